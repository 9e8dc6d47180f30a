package io.baton.router.dispatch;

import io.baton.common.proto.PrefillDone;
import io.baton.common.proto.Recompute;
import io.baton.common.proto.SentAs;
import io.baton.common.proto.Started;
import io.baton.common.proto.Token;
import io.baton.common.proto.TransferDone;
import io.baton.router.route.Decision;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Where one answer's time went. Written by the sequence's thread alone; read by others after its
 * end through {@link #toMap}. Times in nanoseconds from the sequence's start, unless said
 * otherwise.
 */
public final class SequenceLedger {
    private static final int MAX_NOTES = 64;
    private static final int MAX_HASHES = 4096;

    private final long startNanos;
    private final long seed;
    final int promptTokens;
    private final List<String> notes = new ArrayList<>();
    private final List<String> workers = new ArrayList<>();
    private final List<String> logits = new ArrayList<>();
    private final List<Map<String, Object>> candidates = new ArrayList<>();
    long routeNanos;
    long prefillQueueNanos;
    long prefillNanos;
    long transferNanos;
    long transferDoneAtNanos = -1;
    long firstTokenAtNanos = -1;
    long firstDecodeNanos;
    long endAtNanos = -1;
    int completionTokens;
    int heldTokens;
    int cachedTokens;
    long payloadBytes;
    long savedBytes;
    private final List<Map<String, Object>> sent = new ArrayList<>();
    private long prefilledAtNanos = -1;
    private long codingNanos;
    private long decodingNanos;
    private String channel = "";
    private String choice = "";
    private String sameness = "";
    private boolean recomputed;
    int attempts;
    int epoch;
    String outcome = "open";

    SequenceLedger(long startNanos, SequenceRequest request) {
        this.startNanos = startNanos;
        this.promptTokens = request.prompt().length;
        this.seed = request.sampling().seed();
    }

    long since(long nowNanos) {
        return nowNanos - startNanos;
    }

    /** Tokens generated. */
    public int completionTokens() {
        return completionTokens;
    }

    /** Prompt tokens whose KV was reused. */
    public int cached() {
        return Math.min(promptTokens, Math.max(heldTokens, cachedTokens));
    }

    /** An attempt begins. */
    void began(int newEpoch) {
        attempts++;
        epoch = newEpoch;
    }

    /** The last attempt met a decoder without room and counts nothing. */
    void foundNoRoom() {
        attempts--;
    }

    /**
     * Prefill has left its worker's queue.
     *
     * @param fresh whether nothing was emitted before: the reuse is the request's own
     */
    void heard(Started said, boolean fresh) {
        prefillQueueNanos = said.getQueueNanos();
        if (fresh) {
            cachedTokens = said.getCachedTokens();
        }
    }

    /** A prefiller has done its work. */
    void heard(PrefillDone said, boolean fresh) {
        prefillQueueNanos = said.getQueueNanos();
        prefillNanos = said.getPrefillNanos();
        heardOfSending(said, fresh);
    }

    /** A prefiller gave up sending: the decoder computes the rest. */
    void heard(Recompute said, boolean fresh) {
        heardOfSending(said.getSoFar(), fresh);
        payloadBytes += said.getSoFar().getPayloadBytes();
        recomputed = true;
        note("text: " + said.getWhy());
    }

    private void heardOfSending(PrefillDone said, boolean fresh) {
        if (fresh) {
            cachedTokens = said.getCachedTokens();
        }
        channel = said.getChannel();
        choice = said.getChoice();
        codingNanos += said.getCodingNanos();
        for (SentAs way : said.getSentList()) {
            if (sent.size() < MAX_NOTES) {
                sent.add(
                        Map.of(
                                "as", way.getWay(),
                                "raw_bytes", way.getRawBytes(),
                                "bytes", way.getCodedBytes()));
            }
        }
    }

    /** The prefiller has computed the prompt. */
    void prefilled(long nowNanos) {
        prefilledAtNanos = since(nowNanos);
    }

    /** What the attempt's workers promise: the class of the answer is that of its loosest one. */
    void sameness(String promised) {
        if (sameness.isEmpty() || !promised.equals("exact")) {
            sameness = promised;
        }
    }

    /** Time that the client had to wait for KV on its way, after it was computed. */
    private long exposedNanos() {
        return prefilledAtNanos < 0 || transferDoneAtNanos < 0
                ? 0
                : Math.max(0, transferDoneAtNanos - prefilledAtNanos);
    }

    /**
     * All KV is with the decoder.
     *
     * @param counts whether the bytes were not reported before
     */
    void heard(TransferDone said, boolean counts, boolean fresh, long nowNanos) {
        transferDoneAtNanos = since(nowNanos);
        transferNanos = said.getTransferNanos();
        decodingNanos += said.getDecodingNanos();
        if (counts) {
            payloadBytes += said.getPayloadBytes();
            savedBytes += said.getSavedBytes();
        }
        if (fresh) {
            heldTokens = said.getHeldTokens();
        }
    }

    /** The decoder gave a token of its own. */
    void decoded(long nowNanos) {
        if (firstDecodeNanos == 0) {
            firstDecodeNanos = since(nowNanos) - Math.max(0, transferDoneAtNanos);
        }
    }

    /** A token went to the client. */
    void emitted(Token token, long nowNanos) {
        if (firstTokenAtNanos < 0) {
            firstTokenAtNanos = since(nowNanos);
        }
        hash(token.getIndex(), token.getLogitsSha256());
        completionTokens = token.getIndex() + 1;
    }

    void ended(String how, long nowNanos) {
        outcome = how;
        endAtNanos = since(nowNanos);
    }

    void note(String text) {
        if (notes.size() < MAX_NOTES) {
            notes.add(text);
        }
    }

    void worker(String worker) {
        if (workers.size() < MAX_NOTES) {
            workers.add(worker);
        }
    }

    private void hash(int index, String sha256) {
        if (index < MAX_HASHES && !sha256.isEmpty()) {
            logits.add(sha256);
        }
    }

    void decided(Decision decision) {
        note(decision.reason());
        for (Decision.Candidate candidate : decision.candidates()) {
            if (candidates.size() >= MAX_NOTES) {
                return;
            }
            Map<String, Object> row = new LinkedHashMap<>();
            row.put("worker", candidate.worker());
            row.put("for", candidate.purpose());
            row.put(
                    "seconds",
                    Double.isInfinite(candidate.seconds())
                            ? "excluded"
                            : (Object) round(candidate.seconds()));
            row.put("detail", candidate.detail());
            candidates.add(row);
        }
    }

    /** As plain values for JSON; milliseconds. */
    Map<String, @Nullable Object> toMap(boolean full) {
        Map<String, @Nullable Object> map = new LinkedHashMap<>();
        map.put("outcome", outcome);
        map.put("route_ms", millis(routeNanos));
        map.put("prefill_queue_ms", millis(prefillQueueNanos));
        map.put("prefill_ms", millis(prefillNanos));
        map.put("transfer_ms", millis(transferNanos));
        map.put("transfer_exposed_ms", millis(exposedNanos()));
        map.put("first_decode_ms", millis(firstDecodeNanos));
        map.put("ttft_ms", firstTokenAtNanos < 0 ? null : millis(firstTokenAtNanos));
        map.put("total_ms", endAtNanos < 0 ? null : millis(endAtNanos));
        map.put("prompt_tokens", promptTokens);
        map.put("completion_tokens", completionTokens);
        map.put("reused_tokens", cached());
        map.put("sent_bytes", payloadBytes);
        map.put("saved_bytes", savedBytes);
        map.put("class", sameness.equals("exact") ? "E0" : "E2");
        map.put("channel", channel);
        map.put("sent", List.copyOf(sent));
        if (full) {
            map.put("coding_ms", millis(codingNanos));
            map.put("decoding_ms", millis(decodingNanos));
            map.put("coding_choice", choice);
        }
        map.put("recomputed", recomputed);
        map.put("seed", seed);
        map.put("attempts", attempts);
        map.put("epoch", epoch);
        map.put("workers", List.copyOf(workers));
        map.put("decisions", List.copyOf(notes));
        if (full) {
            map.put("candidates", List.copyOf(candidates));
        }
        if (!logits.isEmpty()) {
            map.put("logits_sha256", List.copyOf(logits));
        }
        return map;
    }

    static double millis(long nanos) {
        return round(nanos / 1e6);
    }

    private static double round(double value) {
        return Double.parseDouble(String.format(Locale.ROOT, "%.3f", value));
    }
}
