package io.baton.common.model;

import java.util.List;

/** Where a model file can be had, with the size and SHA-256 that it must have from there. */
public sealed interface ModelSource {
    /** Size of the model file. */
    long bytes();

    /** SHA-256 of the model file, 64 hex characters. */
    String sha256();

    /** For people: {@code hub OWNER/REPO} or {@code pip NAME}. */
    String label();

    /**
     * A file of a repository on the model hub.
     *
     * @param revision commit, branch or tag
     */
    record Hub(String repository, String revision, String file, long bytes, String sha256)
            implements ModelSource {
        @Override
        public String label() {
            return "hub " + repository;
        }
    }

    /** A file in Python wheels: the members of all parts, joined in order. */
    record Pip(List<Part> parts, long bytes, String sha256) implements ModelSource {
        public Pip {
            parts = List.copyOf(parts);
        }

        @Override
        public String label() {
            return "pip " + parts.getFirst().distribution();
        }
    }

    /**
     * One wheel of a model.
     *
     * @param member path in the wheel
     */
    record Part(String distribution, String version, String member) {}
}
