package io.baton.deploy.cli;

import io.baton.common.checkpoint.ModelFiles;
import io.baton.common.config.ClusterSettings;
import io.baton.common.config.Configuration;
import io.baton.common.config.EngineSettings;
import io.baton.common.config.ModelSettings;
import io.baton.common.error.BatonException;
import io.baton.common.error.ErrorCode;
import io.baton.common.model.ModelCatalogue;
import io.baton.common.model.ModelFile;
import io.baton.common.model.ModelStore;
import io.baton.common.model.StoredModel;
import io.baton.common.model.TinyModel;
import io.baton.common.proto.Role;
import io.baton.common.text.ChatTemplates;
import io.baton.common.worker.WorkerOptions;
import io.baton.decoder.DecoderWorker;
import io.baton.engine.EngineCards;
import io.baton.engine.EngineOptions;
import io.baton.engine.ModelRuntime;
import io.baton.kernels.Activations;
import io.baton.kernels.Kernels;
import io.baton.kernels.KernelsProviders;
import io.baton.prefiller.PrefillerWorker;
import io.micrometer.core.instrument.MeterRegistry;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.Locale;
import java.util.Optional;

/** Puts roles together from the configuration: the composition root. */
final class Composition {
    /** The share of a worker whose kernels nobody else uses. */
    static final double ALONE = 1;

    private static final String DEMO_NAME = "baton-demo";

    private Composition() {}

    /** The kernels that the configuration asks for. */
    static Kernels kernels(Configuration configuration) {
        int threads = configuration.get(EngineSettings.KERNELS_THREADS);
        return KernelsProviders.choose(
                KernelsProviders.Preference.valueOf(
                        configuration
                                .get(EngineSettings.KERNELS_PROVIDER)
                                .toUpperCase(Locale.ROOT)),
                threads == 0 ? Runtime.getRuntime().availableProcessors() : threads,
                Activations.named(configuration.get(EngineSettings.KERNELS_ACTIVATIONS)));
    }

    /** The model's file: generated, here already, or pulled now. */
    static StoredModel model(Configuration configuration, Progress progress) {
        ModelStore store = ModelCommand.store();
        if (configuration.get(ModelSettings.DEMO)) {
            return demo(store);
        }
        String reference = configuration.get(ModelSettings.NAME);
        try {
            return store.resolve(reference);
        } catch (BatonException e) {
            if (e.code() != ErrorCode.MODEL_NOT_FOUND || ModelCatalogue.find(reference).isEmpty()) {
                throw e;
            }
            return ModelCommand.pull(reference, false, progress);
        }
    }

    private static StoredModel demo(ModelStore store) {
        Path file = store.folder().resolve("demo").resolve("demo.gguf");
        byte[] bytes = TinyModel.llama().toBytes();
        try {
            if (!Files.exists(file) || Files.size(file) != bytes.length) {
                Files.createDirectories(file.resolveSibling("."));
                Path part = Files.createTempFile(file.resolveSibling("."), "demo", ".part");
                Files.write(part, bytes);
                Files.move(
                        part,
                        file,
                        StandardCopyOption.ATOMIC_MOVE,
                        StandardCopyOption.REPLACE_EXISTING);
            }
        } catch (IOException e) {
            throw new BatonException(
                    ErrorCode.CONFIGURATION,
                    "the demo model cannot be written to %s: %s".formatted(file, e.getMessage()),
                    null,
                    e);
        }
        return new StoredModel(
                DEMO_NAME,
                file,
                bytes.length,
                Optional.empty(),
                Optional.empty(),
                Optional.empty());
    }

    /** Opens the model with its template and loads its weights. */
    static ModelRuntime runtime(Configuration configuration, StoredModel model) {
        ModelFile file = ModelFiles.open(model.path());
        return ModelRuntime.load(
                file,
                kernels(configuration),
                template(configuration, model, file),
                configuration.get(ModelSettings.MAX_LEN));
    }

    private static ModelRuntime.Template template(
            Configuration configuration, StoredModel model, ModelFile file) {
        Optional<String> asked = configuration.get(ModelSettings.CHAT_TEMPLATE);
        if (asked.isPresent()) {
            return operatorTemplate(asked.get());
        }
        Optional<String> own = file.string("tokenizer.chat_template");
        if (own.isPresent()) {
            return new ModelRuntime.Template(own.get(), "file");
        }
        return model.chatTemplate()
                .map(
                        name ->
                                new ModelRuntime.Template(
                                        ChatTemplates.named(name), "catalogue:" + name))
                .orElse(ModelRuntime.Template.NONE);
    }

    private static ModelRuntime.Template operatorTemplate(String nameOrFile) {
        Optional<String> named = ChatTemplates.find(nameOrFile);
        if (named.isPresent()) {
            return new ModelRuntime.Template(named.get(), "operator");
        }
        try {
            return new ModelRuntime.Template(Files.readString(Path.of(nameOrFile)), "operator");
        } catch (IOException e) {
            throw new BatonException(
                    ErrorCode.CONFIGURATION,
                    "'%s' is neither a chat template of Baton nor a file that can be read"
                            .formatted(nameOrFile),
                    ModelSettings.CHAT_TEMPLATE.key(),
                    e);
        }
    }

    /**
     * Starts a prefiller that joins the configured routers.
     *
     * @param share of the processors, relative to the other workers on the same kernels
     */
    static PrefillerWorker prefiller(
            Configuration configuration,
            String id,
            double share,
            Served served,
            MeterRegistry meters) {
        EngineOptions engine =
                EngineCards.options(configuration, id, share, served.runtime().weights().config());
        WorkerOptions options =
                ModelProfiles.made(options(configuration, id, served, engine), served);
        return PrefillerWorker.start(options, engine, served.runtime(), meters);
    }

    /**
     * Starts a decoder, or a colocated worker if the configuration says so.
     *
     * @param share of the processors, relative to the other workers on the same kernels
     */
    static DecoderWorker decoder(
            Configuration configuration,
            String id,
            double share,
            Served served,
            MeterRegistry meters) {
        EngineOptions engine =
                EngineCards.options(configuration, id, share, served.runtime().weights().config());
        Role role =
                configuration.get(ClusterSettings.ROLE_COLOCATED)
                        ? Role.ROLE_COLOCATED
                        : Role.ROLE_DECODER;
        return DecoderWorker.start(
                role, options(configuration, id, served, engine), engine, served.runtime(), meters);
    }

    private static WorkerOptions options(
            Configuration configuration, String id, Served served, EngineOptions engine) {
        return ModelProfiles.placed(
                WorkerOptions.of(
                        configuration, id, served.model().name(), engine.maxModelLength()));
    }

    /** A model file and the runtime that serves it. */
    record Served(StoredModel model, ModelRuntime runtime) {}
}
