package io.baton.bench.quality;

import io.baton.bench.frame.SuiteContext;
import io.baton.common.kv.KvCoding;
import io.baton.common.model.ModelFile;
import io.baton.kv.codec.Codecs;
import io.baton.kv.codec.KvCodec;
import io.baton.kv.codec.KvProfile;
import io.baton.kv.codec.KvProfiles;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/** The profiles of the option {@code profile=FILE,FILE}, and the codecs that know them. */
public final class GivenProfiles {
    private final List<KvProfile> profiles = new ArrayList<>();
    private final List<KvCodec> codecs;

    private GivenProfiles(List<Path> files) throws IOException {
        KvProfiles known = KvProfiles.inMemory();
        for (Path file : files) {
            KvProfile profile = KvProfile.read(file);
            System.err.println(profile);
            profiles.add(profile);
            known.add(profile);
        }
        codecs = Codecs.favouring(KvCoding.RAW, known);
    }

    /** Reads what the option names. */
    public static GivenProfiles of(SuiteContext context) throws IOException {
        List<Path> files = new ArrayList<>();
        for (String file : context.option("profile").orElse("").split(",")) {
            if (!file.isEmpty()) {
                files.add(Path.of(file));
            }
        }
        return new GivenProfiles(files);
    }

    /** All codecs, raw first. */
    public List<KvCodec> codecs() {
        return codecs;
    }

    /**
     * The profile that a codec takes for a model, 0 for none; empty if it needs one that was not
     * given, which is said.
     */
    public Optional<Long> profileFor(KvCodec codec, ModelFile model) {
        for (KvProfile profile : profiles) {
            if (profile.model().fingerprint().equals(model.fingerprint())
                    && codec.knowsProfile(profile.id())) {
                return Optional.of(profile.id());
            }
        }
        if (codec.knowsProfile(0)) {
            return Optional.of(0L);
        }
        System.err.printf(
                "%s is left out: --set profile=FILE, made by `baton kv profile`, is wanted%n",
                codec.name());
        return Optional.empty();
    }
}
