package io.baton.kv.codec;

import io.baton.common.error.BatonException;
import io.baton.common.error.ErrorCode;
import io.baton.kernels.entropy.RansCoder;
import io.baton.kernels.kv.AnchorPlan;
import io.baton.kernels.kv.AnchorPlan.Limits;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicReferenceArray;

/**
 * Tables of profiles, read and checked when a level and layer is first coded: about 15 KB each.
 * Slots are not among them: a decoder that makes them finds them in its nearest cache, which is
 * faster than fetching them. Any thread; two that want the same at once both make it.
 */
final class CacheGenReady {
    private final RansCoder rans;
    private final KvProfiles profiles;
    private final ConcurrentHashMap<Long, Known> ready = new ConcurrentHashMap<>();

    CacheGenReady(RansCoder rans, KvProfiles profiles) {
        this.rans = rans;
        this.profiles = profiles;
    }

    /**
     * The tables of a level and layer.
     *
     * @param limits the steps that they limit coding to
     * @param divisors for encoding
     * @param frequencies that slots are made of for decoding
     */
    record Ready(Limits limits, MemorySegment divisors, MemorySegment frequencies) {}

    private record Known(KvProfile profile, AtomicReferenceArray<Ready> ready) {}

    /**
     * @throws BatonException KV_TRANSFER_FAILED if the profile has none that are valid
     */
    Ready of(KvProfile profile, int level, int layer) {
        Known known = ready.get(profile.id());
        if (known == null || known.profile() != profile) {
            known = new Known(profile, new AtomicReferenceArray<>(entries(profile)));
            ready.put(profile.id(), known);
            ready.keySet().removeIf(id -> profiles.known(id) == null);
        }
        int entry = level * profile.model().layers() + layer;
        Ready have = known.ready().get(entry);
        if (have == null) {
            have = make(profile, level, layer);
            known.ready().set(entry, have);
        }
        return have;
    }

    private static int entries(KvProfile profile) {
        return CacheGenLevel.COUNT * profile.model().layers();
    }

    private Ready make(KvProfile profile, int level, int layer) {
        Arena arena = Arena.ofAuto();
        Tables tables =
                new Tables(AnchorPlan.RUNS, arena.allocate(Tables.bytes(AnchorPlan.RUNS), 64));
        Limits limits = CacheGenTables.read(profile, level, layer, tables);
        MemorySegment divisors = arena.allocate(AnchorPlan.RUNS * RansCoder.DIVISOR_BYTES, 64);
        if (!rans.divisors(AnchorPlan.RUNS, tables.frequencies(), divisors)) {
            throw new BatonException(
                    ErrorCode.KV_TRANSFER_FAILED,
                    "%s has no valid tables for cachegen: frequencies do not sum to %d"
                            .formatted(profile, RansCoder.TOTAL));
        }
        return new Ready(limits, divisors, tables.frequencies());
    }
}
