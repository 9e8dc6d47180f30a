package io.baton.router.route;

/** What a worker does. */
public enum WorkerRole {
    PREFILLER,
    DECODER,
    /** A decoder that always prefills itself. */
    COLOCATED;

    /** Whether it writes answers. */
    public boolean decodes() {
        return this != PREFILLER;
    }
}
