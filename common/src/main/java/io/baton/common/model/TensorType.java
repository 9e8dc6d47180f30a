package io.baton.common.model;

import java.util.Optional;

/** The tensor formats of GGUF that Baton reads, with ggml's type ids and block shapes. */
public enum TensorType {
    F32(0, 1, 4),
    F16(1, 1, 2),
    Q4_0(2, 32, 18),
    Q4_1(3, 32, 20),
    Q5_0(6, 32, 22),
    Q5_1(7, 32, 24),
    Q8_0(8, 32, 34),
    Q4_K(12, 256, 144),
    Q5_K(13, 256, 176),
    Q6_K(14, 256, 210),
    BF16(30, 1, 2);

    private final int id;
    private final int blockElements;
    private final int blockBytes;

    TensorType(int id, int blockElements, int blockBytes) {
        this.id = id;
        this.blockElements = blockElements;
        this.blockBytes = blockBytes;
    }

    /** ggml's type id. */
    public int id() {
        return id;
    }

    /** Elements per block along the innermost dimension. */
    public int blockElements() {
        return blockElements;
    }

    /** Bytes per block. */
    public int blockBytes() {
        return blockBytes;
    }

    /** Bytes of {@code elements} elements, a multiple of the block. */
    public long bytes(long elements) {
        if (elements % blockElements != 0) {
            throw new IllegalArgumentException(
                    "%s comes in blocks of %d, got %d elements"
                            .formatted(this, blockElements, elements));
        }
        return Math.multiplyExact(elements / blockElements, (long) blockBytes);
    }

    /** The type with ggml's id, empty if Baton does not read it. */
    public static Optional<TensorType> ofId(int id) {
        for (TensorType type : values()) {
            if (type.id == id) {
                return Optional.of(type);
            }
        }
        return Optional.empty();
    }
}
