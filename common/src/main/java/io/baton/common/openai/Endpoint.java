package io.baton.common.openai;

/** The endpoints that generate text. */
public enum Endpoint {
    CHAT("/v1/chat/completions"),
    COMPLETIONS("/v1/completions");

    private final String path;

    Endpoint(String path) {
        this.path = path;
    }

    /** The path it is served at. */
    public String path() {
        return path;
    }
}
