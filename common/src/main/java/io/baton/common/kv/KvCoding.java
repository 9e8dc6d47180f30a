package io.baton.common.kv;

/** How KV is coded on its way from worker to worker. */
public enum KvCoding {
    /** The pool's own bytes. */
    RAW("raw", 0, 0),
    /** 16-bit KV in about two thirds of its bytes, and back bit for bit. */
    LOSSLESS("lossless", 0, 0),
    /** A byte for each value: about half of 16-bit KV. */
    INT8("int8", 0, 0),
    /** Anchor tokens and differences to them, entropy coded: see the level. */
    CACHEGEN("cachegen", 5, 3),
    /** A transform learned for the model, entropy coded: see the level. Needs a profile. */
    KLT("klt", 6, 2);

    private final String label;
    private final int maxLevel;
    private final int usualLevel;

    KvCoding(String label, int maxLevel, int usualLevel) {
        this.label = label;
        this.maxLevel = maxLevel;
        this.usualLevel = usualLevel;
    }

    /** Whether decoded values are those that were encoded, bit for bit. */
    public boolean lossless() {
        return this == RAW || this == LOSSLESS;
    }

    /** Whether it codes nothing without a KV profile of the model. */
    public boolean needsProfile() {
        return this == KLT;
    }

    /** The coarsest level; 0 is the finest. */
    public int maxLevel() {
        return maxLevel;
    }

    /** The coarsest level that keeps a mean KL of 0.01 on SmolLM2, as measured. */
    public int usualLevel() {
        return usualLevel;
    }

    /** The coding of this name. */
    public static KvCoding ofLabel(String label) {
        for (KvCoding coding : values()) {
            if (coding.label.equals(label)) {
                return coding;
            }
        }
        throw new IllegalArgumentException("no KV coding is called " + label);
    }

    /** The name in configuration and in a worker's registration. */
    public String label() {
        return label;
    }
}
