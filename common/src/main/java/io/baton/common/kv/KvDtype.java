package io.baton.common.kv;

/** The number format of the KV pool. */
public enum KvDtype {
    F32(4),
    BF16(2),
    F16(2),
    /** Bytes with a scale for each row: see {@link KvLayout#rowBytes}. */
    INT8(1);

    private final int bytes;

    KvDtype(int bytes) {
        this.bytes = bytes;
    }

    /** Bytes per element. */
    public int bytes() {
        return bytes;
    }

    /**
     * The name used in configuration, keys and on the wire: {@code f32}, {@code bf16}, {@code f16},
     * {@code int8}.
     */
    public String label() {
        return name().toLowerCase(java.util.Locale.ROOT);
    }
}
