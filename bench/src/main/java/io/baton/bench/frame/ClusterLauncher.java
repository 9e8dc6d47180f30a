package io.baton.bench.frame;

import java.net.URI;
import java.util.List;

/**
 * Starts Baton as its users do. Given by the composition root, since bench does not depend on it.
 */
public interface ClusterLauncher {
    /**
     * Starts {@code baton up} with these arguments in a process of its own and waits until it
     * serves.
     *
     * @param arguments as after {@code baton up}; the port is chosen by the launcher
     */
    Cluster start(List<String> arguments) throws java.io.IOException, InterruptedException;

    /** A running cluster; closing it ends every process that it started. */
    interface Cluster extends AutoCloseable {
        /** Base URL, without {@code /v1}. */
        URI url();

        /** From the start of the process until it served, in nanoseconds. */
        long startNanos();

        /** Process ids with their role: {@code all}, or router, prefiller and decoder apart. */
        List<RoleProcess> processes();

        @Override
        void close();
    }

    record RoleProcess(String role, long pid) {}
}
