package io.baton.router.admin;

import io.baton.common.error.BatonException;
import io.baton.common.error.ErrorCode;
import io.baton.common.openai.OpenAiJson;
import io.baton.common.proto.Status;
import io.baton.router.dispatch.LedgerRing;
import io.baton.router.registry.PoolView;
import io.baton.router.registry.Registry;
import io.baton.router.registry.Worker;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** The JSON behind {@code /admin}. */
public final class AdminPages {
    private AdminPages() {}

    /**
     * One finished request.
     *
     * @throws BatonException NOT_FOUND
     */
    public static byte[] ledger(LedgerRing ledgers, String id) {
        return ledgers.find(id)
                .orElseThrow(
                        () ->
                                new BatonException(
                                        ErrorCode.NOT_FOUND,
                                        "no finished request with this id is kept; see admin.ledger-entries"))
                .toJson(true)
                .getBytes(StandardCharsets.UTF_8);
    }

    /** All workers by pool. */
    public static byte[] workers(Registry registry) {
        List<Map<String, Object>> pools = new ArrayList<>();
        for (PoolView pool : registry.pools()) {
            Map<String, Object> map = new LinkedHashMap<>();
            map.put("names", pool.names());
            map.put("fingerprint", pool.fingerprint());
            map.put("max_model_len", pool.maxModelLen());
            map.put("servable", pool.isServable());
            map.put("workers", pool.workers().stream().map(AdminPages::worker).toList());
            pools.add(map);
        }
        return OpenAiJson.plain(Map.of("pools", pools));
    }

    private static Map<String, @Nullable Object> worker(Worker worker) {
        Map<String, @Nullable Object> map = new LinkedHashMap<>();
        map.put("id", worker.id());
        map.put("incarnation", Long.toHexString(worker.incarnation()));
        map.put("role", worker.registration().getRole().name());
        map.put("address", worker.registration().getControlAddress());
        map.put("version", worker.registration().getVersion());
        map.put("obstacle", worker.view().obstacle());
        map.put("breaker", worker.breaker().getState().name());
        map.put("in_flight", worker.inFlight());
        Status status = worker.status();
        map.put("heartbeats", worker.heartbeats());
        if (status != null) {
            map.put("running", status.getRunning());
            map.put("waiting", status.getWaiting());
            map.put("waiting_prefill_tokens", status.getWaitingPrefillTokens());
            map.put("pool_blocks", status.getPoolBlocks());
            map.put("free_blocks", status.getFreeBlocks());
            map.put("reserved_blocks", status.getReservedBlocks());
            map.put("active_blocks", status.getActiveBlocks());
            map.put("cached_blocks", status.getCachedBlocks());
            map.put("prefill_tokens_per_second", status.getPrefillTokensPerSecond());
            map.put("decode_seconds_per_token", status.getDecodeSecondsPerToken());
            map.put("errors", status.getErrors());
        }
        return map;
    }
}
