package io.baton.common.kv;

/** How KV is coded on its way from worker to worker. */
public enum KvCoding {
    /** The pool's own bytes. */
    RAW("raw"),
    /** 16-bit KV in about two thirds of its bytes, and back bit for bit. */
    LOSSLESS("lossless");

    private final String label;

    KvCoding(String label) {
        this.label = label;
    }

    /** The name in configuration and in a worker's registration. */
    public String label() {
        return label;
    }
}
