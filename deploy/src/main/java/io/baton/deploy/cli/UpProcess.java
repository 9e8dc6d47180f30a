package io.baton.deploy.cli;

import io.baton.bench.frame.ClusterLauncher;
import java.io.IOException;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.ObjectMapper;

/**
 * {@code baton up} in a process of its own, known by its status file: for benchmarks and system
 * tests.
 */
public final class UpProcess implements ClusterLauncher.Cluster {
    private static final ObjectMapper JSON = new ObjectMapper();
    private static final long READY_SECONDS = 180;

    private final Process process;
    private final Path status;
    private final long startNanos;
    private final URI url;

    private UpProcess(Process process, Path status, long startNanos, URI url) {
        this.process = process;
        this.status = status;
        this.startNanos = startNanos;
        this.url = url;
    }

    /** A launcher that starts clusters with these additional environment variables. */
    public static ClusterLauncher launcher(Map<String, String> environment) {
        return arguments -> start(arguments, environment);
    }

    /** Starts {@code baton up arguments...} on a free port and waits until it serves. */
    public static UpProcess start(List<String> arguments, Map<String, String> environment)
            throws IOException, InterruptedException {
        Path status = Files.createTempDirectory("baton-up").resolve("status.json");
        List<String> all = new ArrayList<>(List.of("up", "--status-file", status.toString()));
        all.addAll(List.of("--port", "0", "--set", "router.control-port=0", "--log-level", "warn"));
        all.addAll(arguments);
        long begin = System.nanoTime();
        Process process = JavaProcess.start(all, environment);
        long deadline = begin + TimeUnit.SECONDS.toNanos(READY_SECONDS);
        while (!Files.exists(status)) {
            if (process.waitFor(5, TimeUnit.MILLISECONDS)) {
                throw new IOException("baton up ended with status " + process.exitValue());
            }
            if (System.nanoTime() - deadline > 0) {
                process.destroyForcibly();
                throw new IOException("baton up did not serve within " + READY_SECONDS + " s");
            }
        }
        long startNanos = System.nanoTime() - begin;
        URI url = URI.create(JSON.readTree(Files.readString(status)).path("url").asString());
        return new UpProcess(process, status, startNanos, url);
    }

    @Override
    public URI url() {
        return url;
    }

    @Override
    public long startNanos() {
        return startNanos;
    }

    /** As the status file says now: it is written anew when a role is started again. */
    @Override
    public List<ClusterLauncher.RoleProcess> processes() {
        List<ClusterLauncher.RoleProcess> processes = new ArrayList<>();
        try {
            for (JsonNode entry : JSON.readTree(Files.readString(status)).path("processes")) {
                processes.add(
                        new ClusterLauncher.RoleProcess(
                                entry.path("role").asString(), entry.path("pid").asLong()));
            }
        } catch (IOException e) {
            throw new java.io.UncheckedIOException("the status file of baton up is gone", e);
        }
        return processes;
    }

    /** Asks the cluster to drain and waits for its exit status. */
    public int stop() throws InterruptedException {
        process.destroy();
        if (!process.waitFor(60, TimeUnit.SECONDS)) {
            process.destroyForcibly();
            process.waitFor();
        }
        return process.exitValue();
    }

    @Override
    public void close() {
        try {
            stop();
        } catch (InterruptedException e) {
            process.destroyForcibly();
            Thread.currentThread().interrupt();
        }
    }
}
