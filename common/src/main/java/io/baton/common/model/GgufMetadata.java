package io.baton.common.model;

import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;

/**
 * Read access to the metadata of a model file. A key that is missing is empty; a key that is there
 * with another type than the one asked for is an error, never empty. Arrays that are returned
 * belong to the caller. Safe for any thread.
 *
 * <p>All methods throw {@link io.baton.common.error.BatonException} MODEL_FILE_INVALID, naming the
 * key, if its type differs or its value does not fit.
 */
public interface GgufMetadata {
    /** A string value. */
    Optional<String> string(String key);

    /** An integer value of any GGUF width; unsigned 64-bit values over 2^63-1 are an error. */
    OptionalLong integer(String key);

    /** A boolean value. */
    Optional<Boolean> bool(String key);

    /** An array of strings. */
    Optional<List<String>> strings(String key);

    /** An array of integers of any GGUF width that fit into an int. */
    Optional<int[]> ints(String key);

    /** An array of float32 values. */
    Optional<float[]> floats(String key);
}
