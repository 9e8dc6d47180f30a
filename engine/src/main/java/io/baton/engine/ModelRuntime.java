package io.baton.engine;

import io.baton.common.grammar.Grammars;
import io.baton.common.model.ModelFile;
import io.baton.common.model.Sha256;
import io.baton.common.text.Tokenizer;
import io.baton.common.text.Tokenizers;
import io.baton.common.time.Ticker;
import io.baton.kernels.Kernels;
import java.nio.charset.StandardCharsets;
import java.util.HashSet;
import java.util.Set;
import java.util.function.Supplier;

/**
 * A model ready to serve: its file, tokenizer, chat template, kernels and weights. Roles in one JVM
 * share one; each starts its own engine on it. Immutable and safe for any thread; closed last.
 */
public final class ModelRuntime implements AutoCloseable {
    private final ModelFile file;
    private final Kernels kernels;
    private final ModelWeights weights;
    private final Tokenizer tokenizer;
    private final Language language;
    private final String fingerprint;
    private final Template template;

    /**
     * The chat template in use.
     *
     * @param source its text; empty for none
     * @param origin {@code file}, {@code catalogue:NAME}, {@code operator}, or empty for none
     */
    public record Template(String source, String origin) {
        /** No template: the model is served without chat. */
        public static final Template NONE = new Template("", "");
    }

    private ModelRuntime(ModelFile file, Kernels kernels, Template template, int servedTokens) {
        this.file = file;
        this.kernels = kernels;
        this.template = template;
        // Each of the three reads the file and takes up to a second: they run beside each other.
        try (Beside beside = new Beside()) {
            Supplier<Tokenizer> vocabulary = beside.start(() -> Tokenizers.of(file));
            Supplier<String> digest = beside.start(file::fingerprint);
            this.weights = ModelWeights.load(kernels, file, servedTokens);
            this.tokenizer = vocabulary.get();
            this.fingerprint = fingerprint(digest.get(), weights.config(), servedTokens);
        }
        Set<Integer> ends = new HashSet<>();
        for (int token = 0; token < tokenizer.vocabSize(); token++) {
            if (tokenizer.isEndOfGeneration(token)) {
                ends.add(token);
            }
        }
        this.language = new Language(ends, Grammars.of(tokenizer));
    }

    /**
     * Loads the weights and takes over the file and the kernels: closing the runtime closes them.
     *
     * @throws io.baton.common.error.BatonException MODEL_FILE_INVALID
     */
    public static ModelRuntime load(ModelFile file, Kernels kernels, Template template) {
        return load(file, kernels, template, 0);
    }

    /**
     * As above, for a service of contexts up to a length.
     *
     * @param servedTokens the longest context; 0 for the model's own. All workers of a model with
     *     LongRoPE must be told the same, or at least lengths on the same side of its original
     *     context: their fingerprints differ otherwise
     */
    public static ModelRuntime load(
            ModelFile file, Kernels kernels, Template template, int servedTokens) {
        return new ModelRuntime(file, kernels, template, servedTokens);
    }

    /** LongRoPE's two lists make unlike KV, which must never meet. */
    static String fingerprint(String file, ModelConfig config, int servedTokens) {
        if (!(config.rope().scaling() instanceof RopeScaling.LongRope rope)) {
            return file;
        }
        int served = servedTokens == 0 ? config.contextLength() : servedTokens;
        String list = rope.isLong(served) ? "longrope:long" : "longrope:short";
        return Sha256.hexOfParts(
                file.getBytes(StandardCharsets.US_ASCII), list.getBytes(StandardCharsets.US_ASCII));
    }

    /** The model's file. */
    public ModelFile file() {
        return file;
    }

    /** The tokenizer of the file. */
    public Tokenizer tokenizer() {
        return tokenizer;
    }

    /** The chat template in use. */
    public Template template() {
        return template;
    }

    /** The provider that computes. */
    public Kernels kernels() {
        return kernels;
    }

    /** The weights, shared by all engines on this runtime. */
    public ModelWeights weights() {
        return weights;
    }

    /**
     * SHA-256 over the model, and over what else decides its KV; 64 hex characters: what all
     * workers of a model must share.
     */
    public String fingerprint() {
        return fingerprint;
    }

    /** Tokens that end an answer. */
    public Set<Integer> endTokens() {
        return language.endTokens();
    }

    /** Starts an engine with its own pool and thread; the caller closes it before the runtime. */
    public EngineLoop startEngine(EngineOptions options, Ticker ticker) {
        return EngineLoops.start(options, weights, kernels, language, ticker);
    }

    @Override
    public void close() {
        kernels.close();
        file.close();
    }
}
