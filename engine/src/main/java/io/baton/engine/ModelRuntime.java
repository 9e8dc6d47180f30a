package io.baton.engine;

import io.baton.common.model.GgufFile;
import io.baton.common.text.Tokenizer;
import io.baton.common.text.Tokenizers;
import io.baton.common.time.Ticker;
import io.baton.kernels.Kernels;
import java.util.HashSet;
import java.util.Set;

/**
 * A model ready to serve: its file, tokenizer, chat template, kernels and weights. Roles in one JVM
 * share one; each starts its own engine on it. Immutable and safe for any thread; closed last.
 */
public final class ModelRuntime implements AutoCloseable {
    private final GgufFile file;
    private final Kernels kernels;
    private final ModelWeights weights;
    private final Tokenizer tokenizer;
    private final Set<Integer> endTokens;
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

    private ModelRuntime(GgufFile file, Kernels kernels, String fingerprint, Template template) {
        this.file = file;
        this.kernels = kernels;
        this.fingerprint = fingerprint;
        this.template = template;
        this.weights = ModelWeights.load(kernels, file);
        this.tokenizer = Tokenizers.of(file);
        Set<Integer> ends = new HashSet<>();
        for (int token = 0; token < tokenizer.vocabSize(); token++) {
            if (tokenizer.isEndOfGeneration(token)) {
                ends.add(token);
            }
        }
        this.endTokens = Set.copyOf(ends);
    }

    /**
     * Loads the weights and takes over the file and the kernels: closing the runtime closes them.
     *
     * @throws io.baton.common.error.BatonException MODEL_FILE_INVALID
     */
    public static ModelRuntime load(GgufFile file, Kernels kernels, Template template) {
        return new ModelRuntime(file, kernels, file.fingerprint(), template);
    }

    /** The model's file. */
    public GgufFile file() {
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

    /** SHA-256 of the model file, 64 hex characters: what all workers of a model must share. */
    public String fingerprint() {
        return fingerprint;
    }

    /** Tokens that end an answer. */
    public Set<Integer> endTokens() {
        return endTokens;
    }

    /** Starts an engine with its own pool and thread; the caller closes it before the runtime. */
    public EngineLoop startEngine(EngineOptions options, Ticker ticker) {
        return EngineLoops.start(options, weights, kernels, endTokens, ticker);
    }

    @Override
    public void close() {
        kernels.close();
        file.close();
    }
}
