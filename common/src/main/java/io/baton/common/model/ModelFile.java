package io.baton.common.model;

import java.util.List;
import java.util.Optional;
import java.util.OptionalDouble;

/**
 * A model on disk, whatever its format: a configuration, a vocabulary and tensors, all under GGUF's
 * names, so that what reads a model knows one set of names. Opening checks all that can be checked
 * without reading weights; the files are taken for hostile. Safe for any thread. Nothing of it may
 * be used after {@link #close}.
 *
 * <p>Every fault of a file is a {@link io.baton.common.error.BatonException} MODEL_FILE_INVALID.
 */
public interface ModelFile extends GgufMetadata, AutoCloseable {
    /**
     * Key of a string: {@link #HALVES} if the rows of Q and K stand as the checkpoint had them, so
     * that a rotation's pairs are (i, i + half) even in a family whose GGUF files hold neighbours.
     */
    String ROPE_PAIRS = "baton.rope.pairs";

    /** Value of {@link #ROPE_PAIRS}. */
    String HALVES = "halves";

    /** Key of an array of integers: the layers that see a window only, instead of a pattern. */
    String LOCAL_LAYERS = "baton.attention.local_layers";

    /** Path or description, for messages. */
    String source();

    /** The model family, such as {@code llama}. */
    String architecture();

    /** A number: float of either width, or an integer. */
    OptionalDouble number(String key);

    /** All tensors. */
    List<GgufTensor> tensors();

    /** The tensor with this name. */
    Optional<GgufTensor> tensor(String name);

    /** The tensor with this name; that it is missing is an error. */
    GgufTensor require(String name);

    /**
     * A valid GGUF file with the same metadata and no tensors: all that a tokenizer and a chat
     * template need. A host without the model takes this from one that has it.
     */
    byte[] textArtifact();

    /** SHA-256 over all that the model is made of, 64 hex characters; reads all of it. */
    String fingerprint();

    /** Ends the maps. All tensors' data becomes invalid. Harmless if called twice. */
    @Override
    void close();
}
