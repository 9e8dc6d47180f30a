package io.baton.kv.frame;

/** What stands behind KV bytes: the form of architecture.md section 4. */
public enum Form {
    /** The engine's own bytes, or a lossless coding of them. */
    EXACT(0),
    /** One fixed lossy codec, level and profile per model. */
    CANONICAL(1),
    /** Lossy, levels may differ. */
    TOLERANT(2);

    private final int id;

    Form(int id) {
        this.id = id;
    }

    /** The number on the wire. */
    public int id() {
        return id;
    }
}
