package io.baton.common.model;

/** Hears how a pull goes on; called on threads of the pull, one call at a time. */
public interface PullListener {
    /** A source is tried now. */
    void source(String label);

    /** Bytes there so far, of all. */
    void progress(long doneBytes, long totalBytes);

    /** Something that the user should read: terms, why a source failed. */
    void note(String line);

    /** Hears nothing. */
    static PullListener silent() {
        return new PullListener() {
            @Override
            public void source(String label) {}

            @Override
            public void progress(long doneBytes, long totalBytes) {}

            @Override
            public void note(String line) {}
        };
    }
}
