package io.baton.deploy.cli;

import io.baton.common.error.BatonException;
import io.baton.common.error.ErrorCode;
import io.baton.common.kv.KvCoding;
import io.baton.common.worker.WorkerOptions;
import io.baton.engine.ModelConfig;
import io.baton.kv.codec.KvProfile;
import io.baton.kv.codec.KvProfiles;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;

/** Sees to it that workers find the KV profiles that their codecs need. */
final class ModelProfiles {
    private ModelProfiles() {}

    /** Without a setting, profiles lie among the models. */
    static WorkerOptions placed(WorkerOptions options) {
        WorkerOptions.Coding coding = options.serving().coding();
        return coding.kind().lossless() || coding.profile().isPresent()
                ? options
                : options.withProfile(KvCommand.folder());
    }

    /**
     * The options of a worker that sends: the profile of a catalogue model is made when it is first
     * needed.
     *
     * @throws BatonException CONFIGURATION if another model has none
     */
    static WorkerOptions made(WorkerOptions options, Composition.Served served) {
        WorkerOptions.Coding coding = options.serving().coding();
        Optional<Path> folder = coding.profile().filter(path -> !Files.isRegularFile(path));
        if (!coding.kind().needsProfile() || folder.isEmpty()) {
            return options;
        }
        ModelConfig config = served.runtime().weights().config();
        KvProfile.Model model =
                new KvProfile.Model(
                        served.runtime().fingerprint(),
                        config.layers(),
                        config.kvHeads(),
                        config.headDim());
        KvCoding kind = coding.kind();
        if (KvProfiles.in(folder.get()).of(model, List.of(kind.label())).isPresent()) {
            return options;
        }
        if (served.model().catalogue().isEmpty()) {
            throw new BatonException(
                    ErrorCode.CONFIGURATION,
                    "kv.codec %s needs a KV profile of %s, and there is none in %s: make one with `baton kv profile`"
                            .formatted(kind.label(), served.model().name(), folder.get()),
                    "kv.profile");
        }
        Progress progress = Progress.onTerminal();
        progress.line(
                "making the KV profile of %s, once; takes some minutes"
                        .formatted(served.model().name()));
        try {
            KvProfile profile = KvCommand.make(served.runtime(), List.of(), progress);
            profile.write(folder.get().resolve(profile.name() + KvProfiles.EXTENSION));
        } catch (IOException e) {
            throw new BatonException(
                    ErrorCode.CONFIGURATION,
                    "the KV profile cannot be written to %s: %s"
                            .formatted(folder.get(), e.getMessage()),
                    "kv.profile",
                    e);
        }
        return options;
    }
}
