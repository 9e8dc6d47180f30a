package io.baton.deploy.cli;

import io.baton.common.config.Configuration;
import io.baton.common.model.StoredModel;
import io.baton.engine.ModelRuntime;
import io.baton.kv.codec.KvProfile;
import io.baton.kv.codec.KvProfiles;
import io.baton.prefiller.profile.ProfileMaker;
import io.baton.prefiller.profile.ProfileTexts;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** {@code baton kv}: what concerns KV outside of a running cluster. */
@Command(
        name = "kv",
        description = "Makes the profiles that lossy KV codecs need.",
        mixinStandardHelpOptions = true,
        subcommands = KvCommand.Profile.class)
final class KvCommand {
    /** Where profiles lie that are made without a name of their own. */
    static Path folder() {
        return ModelCommand.store().folder().resolve("profiles");
    }

    @Command(
            name = "profile",
            description = {
                "Makes a model's KV profile, which the codecs klt and cachegen need.",
                "Runs texts by the plain Java kernels: the same model and texts give the same file"
                        + " everywhere. Takes some seconds a text, and memory for the model in"
                        + " float32."
            })
    static final class Profile extends Configured {
        @Option(
                names = "--text",
                paramLabel = "FILE",
                description =
                        "Text that is like what will be served; may be given again."
                                + " Without, Baton's own texts.")
        private List<Path> texts = new ArrayList<>();

        @Option(
                names = "--out",
                paramLabel = "FILE",
                description =
                        "Where to write the profile; by default among the models, where"
                                + " workers find it.")
        private @Nullable Path out;

        @Override
        public Integer call() throws IOException {
            Configuration configuration = configuration();
            Progress progress = Progress.onTerminal();
            StoredModel model = Composition.model(configuration, progress);
            try (ModelRuntime runtime = Composition.runtime(configuration, model)) {
                KvProfile profile = make(runtime, texts, progress);
                Path file =
                        out == null ? folder().resolve(profile.name() + KvProfiles.EXTENSION) : out;
                profile.write(file);
                System.out.println(file);
            }
            return ExitCode.OK;
        }
    }

    /** Makes the profile of a model from files, or from Baton's own texts if there are none. */
    static KvProfile make(ModelRuntime runtime, List<Path> files, Progress progress)
            throws IOException {
        int tokens = Math.min(ProfileMaker.TEXT_TOKENS, runtime.weights().config().contextLength());
        List<int[]> texts =
                files.isEmpty()
                        ? ProfileTexts.ours(runtime.tokenizer(), tokens)
                        : ProfileTexts.of(files, runtime.tokenizer(), tokens);
        return ProfileMaker.make(runtime.file(), runtime.fingerprint(), texts, progress::line);
    }
}
