package io.baton.deploy;

import io.baton.bench.client.OpenAiClient;
import io.baton.deploy.cli.UpProcess;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.extension.ExtensionContext;
import org.junit.jupiter.api.extension.ParameterContext;
import org.junit.jupiter.api.extension.ParameterResolver;
import tools.jackson.databind.JsonNode;

/** One {@code up --demo} cluster in a process of its own, shared by all tests that ask for it. */
public final class DemoCluster implements ParameterResolver, AutoCloseable {
    private UpProcess process;

    /** Base URL without {@code /v1}. */
    public String url() {
        return process.url().toString();
    }

    /** The served model's name. */
    public String model() throws Exception {
        try (OpenAiClient client = new OpenAiClient(process.url(), null)) {
            return client.get("/v1/models").path("data").path(0).path("id").asString();
        }
    }

    /** Waits until no worker holds a block for a request; fails after 20 s. */
    public void awaitIdle() throws Exception {
        long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(20);
        JsonNode workers;
        do {
            try (OpenAiClient client = new OpenAiClient(process.url(), null)) {
                workers = client.get("/admin/workers");
            }
            if (idle(workers)) {
                return;
            }
            TimeUnit.MILLISECONDS.sleep(20);
        } while (System.nanoTime() < deadline);
        throw new AssertionError("blocks are still held: " + workers);
    }

    private static boolean idle(JsonNode workers) {
        int seen = 0;
        for (JsonNode worker : Workers.of(workers)) {
            seen++;
            if (worker.path("active_blocks").asInt(-1) != 0
                    || worker.path("reserved_blocks").asInt(-1) != 0) {
                return false;
            }
        }
        return seen > 0;
    }

    @Override
    public boolean supportsParameter(ParameterContext parameter, ExtensionContext context) {
        return parameter.getParameter().getType() == DemoCluster.class;
    }

    @Override
    public Object resolveParameter(ParameterContext parameter, ExtensionContext context) {
        return context.getRoot()
                .getStore(ExtensionContext.Namespace.GLOBAL)
                .computeIfAbsent(DemoCluster.class, key -> started(), DemoCluster.class);
    }

    private static DemoCluster started() {
        DemoCluster cluster = new DemoCluster();
        try {
            cluster.process = UpProcess.start(List.of("--demo"), Map.of());
        } catch (java.io.IOException e) {
            throw new java.io.UncheckedIOException(e);
        } catch (InterruptedException e) {
            throw new IllegalStateException(e);
        }
        return cluster;
    }

    @Override
    public void close() {
        process.close();
    }
}
