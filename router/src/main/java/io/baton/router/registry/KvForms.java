package io.baton.router.registry;

import io.baton.common.proto.KvFormat;
import io.baton.common.worker.ProtoKv;
import java.util.ArrayList;
import java.util.List;

/** Compares forms of KV, and says in words how two differ. */
final class KvForms {
    private KvForms() {}

    /** Equal texts: KV may be exchanged and answers stay bit-identical. */
    static String text(KvFormat kv) {
        return "%d/%d/%d/%s/%d/%d/%d/%s/%s"
                .formatted(
                        kv.getLayers(),
                        kv.getKvHeads(),
                        kv.getHeadDim(),
                        kv.getDtype(),
                        kv.getBlockTokens(),
                        kv.getChunkTokens(),
                        kv.getKeyFormatVersion(),
                        kv.getNumericProfile(),
                        ProtoKv.sameness(kv));
    }

    /**
     * What must be equal within a pool and is not; the numeric profile may differ, such workers
     * only never exchange KV.
     */
    static List<String> differences(KvFormat pool, KvFormat worker) {
        List<String> found = new ArrayList<>();
        differ(found, "layers", pool.getLayers(), worker.getLayers());
        differ(found, "KV heads", pool.getKvHeads(), worker.getKvHeads());
        differ(found, "head dimension", pool.getHeadDim(), worker.getHeadDim());
        differ(found, "KV dtype (kv.dtype)", pool.getDtype(), worker.getDtype());
        differ(found, "block tokens", pool.getBlockTokens(), worker.getBlockTokens());
        differ(
                found,
                "chunk tokens (kv.chunk-tokens)",
                pool.getChunkTokens(),
                worker.getChunkTokens());
        differ(found, "sameness (kv.sameness)", ProtoKv.sameness(pool), ProtoKv.sameness(worker));
        differ(
                found,
                "key format version",
                pool.getKeyFormatVersion(),
                worker.getKeyFormatVersion());
        return found;
    }

    static void differ(List<String> found, String what, Object pool, Object worker) {
        if (!pool.equals(worker)) {
            found.add("%s: pool %s, worker %s".formatted(what, pool, worker));
        }
    }
}
