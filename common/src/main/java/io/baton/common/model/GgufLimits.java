package io.baton.common.model;

import io.baton.common.error.BatonException;
import io.baton.common.error.ErrorCode;

/** The bounds that a GGUF file must keep, and the error that names what was broken. */
final class GgufLimits {
    static final int MAGIC = 0x46554747;
    static final int HEADER_BYTES = 24;
    static final long MAX_KEYS = 1 << 16;
    static final long MAX_TENSORS = 1 << 20;
    static final long MAX_KEY_BYTES = 65_535;

    /** The specification allows 64 bytes. */
    static final long MAX_TENSOR_NAME_BYTES = 64;

    static final int MAX_DIMS = 4;
    static final int DEFAULT_ALIGNMENT = 32;
    static final long MAX_ALIGNMENT = 1 << 20;

    /** Keys, values and tensor list together; so that any part of it fits into a Java array. */
    static final long MAX_METADATA_BYTES = 1L << 30;

    private GgufLimits() {}

    static BatonException invalid(String source, String what) {
        return new BatonException(
                ErrorCode.MODEL_FILE_INVALID,
                "%s is not a usable GGUF file: %s. Get the file again, or convert the model anew."
                        .formatted(source, what));
    }
}
