package io.baton.kv.codec.klt;

import io.baton.kernels.entropy.RansCoder;
import io.baton.kv.codec.KvProfile;
import io.baton.kv.codec.KvProfiles;
import java.lang.foreign.MemorySegment;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import org.jspecify.annotations.Nullable;

/** Profiles that are ready, each made so when it is first asked for. Any thread. */
final class ReadyProfiles {
    private static final System.Logger LOG = System.getLogger(ReadyProfiles.class.getName());

    private final RansCoder rans;
    private final KvProfiles profiles;

    /** Of each profile that was asked for what it is ready as; empty if it has no use here. */
    private final ConcurrentHashMap<Long, Optional<ReadyProfile>> ready = new ConcurrentHashMap<>();

    ReadyProfiles(RansCoder rans, KvProfiles profiles) {
        this.rans = rans;
        this.profiles = profiles;
    }

    /** The profile of this number, null if it is not known or has no usable section. */
    @Nullable ReadyProfile of(long id) {
        Optional<ReadyProfile> have = ready.get(id);
        if (have == null) {
            KvProfile profile = profiles.known(id);
            if (profile == null) {
                return null;
            }
            have = ready.computeIfAbsent(id, key -> ready(profile));
        }
        return have.orElse(null);
    }

    private Optional<ReadyProfile> ready(KvProfile profile) {
        MemorySegment section = profile.section(KltCodec.SECTION).orElse(null);
        if (section == null) {
            return Optional.empty();
        }
        try {
            KltProfile klt = KltProfile.parse(section);
            KvProfile.Model model = profile.model();
            if (klt.layers() != model.layers()
                    || klt.kvHeads() != model.kvHeads()
                    || klt.headDim() != model.headDim()) {
                throw new IllegalArgumentException("it is of another shape than its profile");
            }
            return Optional.of(new ReadyProfile(klt, rans));
        } catch (IllegalArgumentException e) {
            LOG.log(
                    System.Logger.Level.WARNING,
                    "{0} has no usable section klt: {1}",
                    profile,
                    e.getMessage());
            return Optional.empty();
        }
    }
}
