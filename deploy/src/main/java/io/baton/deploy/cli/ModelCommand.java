package io.baton.deploy.cli;

import io.baton.common.error.BatonException;
import io.baton.common.error.ErrorCode;
import io.baton.common.model.CatalogueModel;
import io.baton.common.model.ModelCatalogue;
import io.baton.common.model.ModelPuller;
import io.baton.common.model.ModelSource;
import io.baton.common.model.ModelStore;
import io.baton.common.model.PullListener;
import io.baton.common.model.RandomModel;
import io.baton.common.model.StoredModel;
import io.baton.common.model.TensorType;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.function.Function;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code baton model}: pulls models and shows what is there. */
@Command(
        name = "model",
        description = "Pulls models and shows what is there.",
        mixinStandardHelpOptions = true,
        subcommands = {
            ModelCommand.Pull.class,
            ModelCommand.Ls.class,
            ModelCommand.Show.class,
            ModelCommand.Drawn.class
        })
final class ModelCommand {
    /** The store of this user. */
    static ModelStore store() {
        return ModelStore.ofUser(System.getenv(), Path.of(System.getProperty("user.home")));
    }

    /** Pulls a model, showing progress on stderr. */
    static StoredModel pull(String reference, boolean acceptLicense, Progress progress) {
        try (ModelPuller puller = ModelPuller.standard(store(), System.getenv());
                progress) {
            return puller.pull(reference, acceptLicense, new Shown(reference, progress));
        }
    }

    private record Shown(String name, Progress progress) implements PullListener {
        @Override
        public void source(String label) {
            progress.line("pulling " + name + " from " + label);
        }

        @Override
        public void progress(long doneBytes, long totalBytes) {
            progress.bytes("pulling " + name, doneBytes, totalBytes);
        }

        @Override
        public void note(String line) {
            progress.line(line);
        }
    }

    @Command(
            name = "pull",
            description = "Pulls a catalogue model or a hub id OWNER/REPO[:FILE.gguf].",
            mixinStandardHelpOptions = true)
    static final class Pull implements Callable<Integer> {
        @Parameters(paramLabel = "MODEL", description = "Catalogue name or hub id.")
        private String reference = "";

        @Option(names = "--accept-license", description = "You agree to the model's terms.")
        private boolean acceptLicense;

        @Override
        public Integer call() {
            StoredModel model = ModelCommand.pull(reference, acceptLicense, Progress.onTerminal());
            System.out.println(model.path());
            return ExitCode.OK;
        }
    }

    @Command(
            name = "list",
            description = "Lists the catalogue and what was pulled.",
            mixinStandardHelpOptions = true)
    static final class Ls implements Callable<Integer> {
        @Override
        public Integer call() {
            ModelStore store = store();
            for (CatalogueModel model : ModelCatalogue.all()) {
                Optional<StoredModel> here = store.find(model);
                System.out.printf(
                        Locale.ROOT,
                        "%-18s %-8s %-12s %s%n",
                        model.name(),
                        here.isPresent() ? "here" : "-",
                        model.license().id(),
                        model.title());
            }
            for (StoredModel model : store.list()) {
                if (model.catalogue().isEmpty()) {
                    System.out.printf(
                            Locale.ROOT, "%-18s here     %s%n", model.name(), model.path());
                }
            }
            return ExitCode.OK;
        }
    }

    @Command(
            name = "random",
            description = "Writes a model of a known shape with random weights, to measure speed.",
            mixinStandardHelpOptions = true)
    static final class Drawn implements Callable<Integer> {
        @Option(
                names = "--shape",
                required = true,
                paramLabel = "SHAPE",
                description = "One of: llama-135m, llama-1b.")
        private String shape = "";

        @Option(
                names = "--type",
                defaultValue = "q8_0",
                paramLabel = "TYPE",
                description = "Format of the matrices, such as q8_0, q4_0, bf16.")
        private String type = "";

        @Option(names = "--seed", defaultValue = "1", description = "Of the weights.")
        private long seed;

        @Option(names = "--out", required = true, paramLabel = "FILE", description = "GGUF file.")
        private Path out = Path.of("");

        @Override
        public Integer call() {
            RandomModel.Shape chosen =
                    named(RandomModel.Shape.all(), RandomModel.Shape::label, shape, "shape");
            TensorType format = named(List.of(TensorType.values()), Enum::name, type, "type");
            if (chosen.fits(format)) {
                new RandomModel(chosen, format, seed).write(out);
                System.out.println(out);
                return ExitCode.OK;
            }
            throw new BatonException(
                    ErrorCode.INVALID_VALUE,
                    "The rows of %s do not divide into blocks of %s; choose another type"
                            .formatted(chosen.label(), format),
                    "type");
        }

        private static <T> T named(
                List<T> all, Function<T, String> label, String wanted, String what) {
            for (T each : all) {
                if (label.apply(each).equalsIgnoreCase(wanted)) {
                    return each;
                }
            }
            throw new BatonException(
                    ErrorCode.INVALID_VALUE,
                    "There is no %s %s; there are: %s"
                            .formatted(what, wanted, all.stream().map(label).toList()),
                    what);
        }
    }

    @Command(
            name = "show",
            description = "Shows a model: its terms, sources, file.",
            mixinStandardHelpOptions = true)
    static final class Show implements Callable<Integer> {
        @Parameters(paramLabel = "MODEL", description = "Catalogue name, file, folder or hub id.")
        private String reference = "";

        @Override
        public Integer call() {
            Optional<CatalogueModel> known = ModelCatalogue.find(reference);
            known.ifPresent(Show::print);
            if (known.isPresent() && store().find(known.get()).isEmpty()) {
                System.out.println("file      not pulled");
                return ExitCode.OK;
            }
            StoredModel model = store().resolve(reference);
            System.out.println("file      " + model.path());
            System.out.println("bytes     " + model.bytes());
            model.sha256().ifPresent(sha -> System.out.println("sha256    " + sha));
            model.source().ifPresent(source -> System.out.println("from      " + source));
            return ExitCode.OK;
        }

        private static void print(CatalogueModel model) {
            System.out.println("name      " + model.name());
            System.out.println("title     " + model.title());
            System.out.println("family    " + model.family());
            System.out.println(
                    "license   " + model.license().title() + " " + model.license().url());
            for (ModelSource source : model.sources()) {
                System.out.printf(
                        Locale.ROOT,
                        "source    %s, %d bytes, SHA-256 %s%n",
                        source.label(),
                        source.bytes(),
                        source.sha256());
            }
        }
    }
}
