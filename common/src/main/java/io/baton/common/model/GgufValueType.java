package io.baton.common.model;

import org.jspecify.annotations.Nullable;

/** The value types of GGUF metadata with their ids and sizes. */
enum GgufValueType {
    UINT8(1),
    INT8(1),
    UINT16(2),
    INT16(2),
    UINT32(4),
    INT32(4),
    FLOAT32(4),
    BOOL(1),
    /** A 64-bit length and as many bytes of UTF-8. */
    STRING(0),
    /** An element type, a 64-bit count and the elements. */
    ARRAY(0),
    UINT64(8),
    INT64(8),
    FLOAT64(8);

    private static final GgufValueType[] BY_ID = values();

    private final int bytes;

    GgufValueType(int bytes) {
        this.bytes = bytes;
    }

    /** GGUF's id: the order of declaration. */
    int id() {
        return ordinal();
    }

    /** Bytes of a value, 0 where they vary. */
    int bytes() {
        return bytes;
    }

    boolean isInteger() {
        return switch (this) {
            case UINT8, INT8, UINT16, INT16, UINT32, INT32, UINT64, INT64 -> true;
            case FLOAT32, FLOAT64, BOOL, STRING, ARRAY -> false;
        };
    }

    String label() {
        return name().toLowerCase(java.util.Locale.ROOT);
    }

    /** The type with this id, null if there is none. */
    static @Nullable GgufValueType ofId(int id) {
        return id >= 0 && id < BY_ID.length ? BY_ID[id] : null;
    }
}
