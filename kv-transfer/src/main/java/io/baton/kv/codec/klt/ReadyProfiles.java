package io.baton.kv.codec.klt;

import io.baton.kernels.entropy.RansCoder;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.LongFunction;
import org.jspecify.annotations.Nullable;

/** Profiles that are ready, each made so when it is first asked for. Any thread. */
final class ReadyProfiles implements LongFunction<@Nullable ReadyProfile> {
    private final RansCoder rans;
    private final LongFunction<@Nullable KltProfile> profiles;
    private final ConcurrentHashMap<Long, ReadyProfile> ready = new ConcurrentHashMap<>();

    ReadyProfiles(RansCoder rans, LongFunction<@Nullable KltProfile> profiles) {
        this.rans = rans;
        this.profiles = profiles;
    }

    @Override
    public @Nullable ReadyProfile apply(long id) {
        ReadyProfile have = ready.get(id);
        if (have != null) {
            return have;
        }
        KltProfile profile = profiles.apply(id);
        return profile == null
                ? null
                : ready.computeIfAbsent(id, key -> new ReadyProfile(profile, rans));
    }
}
