package io.baton.deploy.cli;

import io.baton.bench.client.OpenAiClient;
import io.baton.common.checkpoint.ModelFiles;
import io.baton.common.config.AccessSettings;
import io.baton.common.config.ClusterSettings;
import io.baton.common.config.Configuration;
import io.baton.common.config.HttpSettings;
import io.baton.common.config.KvSettings;
import io.baton.common.error.BatonException;
import io.baton.common.error.ErrorCode;
import io.baton.common.model.ModelFile;
import io.baton.common.model.StoredModel;
import io.baton.common.time.Ticker;
import io.baton.engine.ModelConfigs;
import io.baton.kernels.Kernels;
import java.io.IOException;
import java.net.ServerSocket;
import java.net.URI;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;

/** {@code baton up --processes}: each role a JVM of its own, watched by a {@link Supervisor}. */
final class ProcessCluster {
    private static final long READY_SECONDS = 120;
    private static final long POLL_MILLIS = 20;

    private final Configuration configuration;
    private final @Nullable Path statusFile;
    private final int httpPort;
    private final int controlPort;

    ProcessCluster(Configuration configuration, @Nullable Path statusFile) throws IOException {
        this.configuration = configuration;
        this.statusFile = statusFile;
        // Children must know each other's ports before they start, so free ones are chosen here.
        httpPort = port(configuration.get(HttpSettings.PORT));
        controlPort = port(configuration.get(ClusterSettings.ROUTER_CONTROL_PORT));
    }

    private static int port(int asked) throws IOException {
        if (asked != 0) {
            return asked;
        }
        try (ServerSocket socket = new ServerSocket(0)) {
            return socket.getLocalPort();
        }
    }

    /** Starts all roles, prints the block, serves until a signal; returns the exit status. */
    int serve() throws Exception {
        StoredModel model = Composition.model(configuration, Progress.onTerminal());
        Facts facts = facts(model);
        Map<String, String> environment = new HashMap<>(SettingFlags.environment(configuration));
        environment.put(HttpSettings.PORT.environment(), String.valueOf(httpPort));
        environment.put(
                ClusterSettings.ROUTER_CONTROL_PORT.environment(), String.valueOf(controlPort));
        environment.put(ClusterSettings.ROUTER_ADDRESSES.environment(), "127.0.0.1:" + controlPort);
        environment.put(ClusterSettings.CONTROL_PORT.environment(), "0");
        environment.put(KvSettings.PORT.environment(), "0");
        URI url =
                URI.create("http://" + host(configuration.get(HttpSettings.HOST)) + ":" + httpPort);
        try (Supervisor supervisor = new Supervisor(Ticker.system(), environment)) {
            int workers = startAll(supervisor);
            awaitWorkers(url, workers);
            supervisor.onChange(() -> show(supervisor, facts, model, url, false));
            show(supervisor, facts, model, url, true);
            Shutdown.await();
            System.err.println("baton: draining; Ctrl-C again ends at once");
        }
        return ExitCode.OK;
    }

    private static String host(String listen) {
        return listen.equals("0.0.0.0") ? "127.0.0.1" : listen;
    }

    private int startAll(Supervisor supervisor) throws IOException {
        supervisor.start(new Supervisor.Role("router", List.of("router"), Map.of()));
        boolean colocated = configuration.get(ClusterSettings.ROLE_COLOCATED);
        List<Supervisor.Role> workers = new ArrayList<>();
        int prefillers = colocated ? 0 : configuration.get(ClusterSettings.UP_PREFILLERS);
        for (int i = 1; i <= prefillers; i++) {
            workers.add(worker("prefiller", i));
        }
        for (int i = 1; i <= configuration.get(ClusterSettings.UP_DECODERS); i++) {
            workers.add(worker("decoder", i));
        }
        for (Supervisor.Role role : workers) {
            supervisor.start(role);
        }
        return workers.size();
    }

    private static Supervisor.Role worker(String role, int number) {
        String id = role + "-" + number;
        return new Supervisor.Role(
                id, List.of(role), Map.of(ClusterSettings.WORKER_ID.environment(), id));
    }

    private void awaitWorkers(URI url, int workers) throws InterruptedException {
        long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(READY_SECONDS);
        while (System.nanoTime() - deadline < 0) {
            if (joined(url) == workers) {
                return;
            }
            TimeUnit.MILLISECONDS.sleep(POLL_MILLIS);
        }
        throw new BatonException(
                ErrorCode.NO_WORKER,
                "not all of %d workers joined the router within %d s; the log above says why"
                        .formatted(workers, READY_SECONDS));
    }

    /** Workers that the router knows; 0 while it does not answer yet. */
    private int joined(URI url) throws InterruptedException {
        String key = configuration.get(AccessSettings.API_KEYS).stream().findFirst().orElse(null);
        try (OpenAiClient client = new OpenAiClient(url, key)) {
            int workers = 0;
            for (JsonNode pool : client.get("/admin/workers").path("pools")) {
                // A pool whose tokenizer has not come from a worker yet cannot serve.
                workers += pool.path("servable").asBoolean() ? pool.path("workers").size() : 0;
            }
            return workers;
        } catch (IOException e) {
            return 0;
        }
    }

    private record Facts(String kernels, String pool) {}

    /** What the block says about kernels and pool, without loading weights here. */
    private Facts facts(StoredModel model) {
        try (Kernels kernels = Composition.kernels(configuration);
                ModelFile file = ModelFiles.open(model.path())) {
            return new Facts(
                    kernels.profile().label() + " (" + kernels.reason() + ")",
                    StartupBlock.pool(configuration, ModelConfigs.read(file)));
        }
    }

    private void show(
            Supervisor supervisor, Facts facts, StoredModel model, URI url, boolean print) {
        List<StartupBlock.Role> roles = new ArrayList<>();
        for (Map.Entry<String, Long> process : supervisor.processes()) {
            roles.add(
                    new StartupBlock.Role(
                            process.getKey(), "process " + process.getValue(), process.getValue()));
        }
        StartupBlock block =
                new StartupBlock(model.name(), facts.kernels(), facts.pool(), roles, url);
        if (print) {
            block.print(System.out);
        }
        if (statusFile != null) {
            try {
                block.write(statusFile);
            } catch (IOException e) {
                throw new java.io.UncheckedIOException("cannot write the status file", e);
            }
        }
    }
}
