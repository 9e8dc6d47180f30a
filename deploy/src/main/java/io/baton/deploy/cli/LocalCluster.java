package io.baton.deploy.cli;

import io.baton.common.config.ClusterSettings;
import io.baton.common.config.Configuration;
import io.baton.common.error.BatonException;
import io.baton.common.error.ErrorCode;
import io.baton.common.model.StoredModel;
import io.baton.common.worker.Worker;
import io.baton.engine.Beside;
import io.baton.engine.ModelRuntime;
import io.baton.router.RouterOptions;
import io.baton.router.RouterServer;
import io.baton.router.registry.PoolView;
import io.micrometer.prometheusmetrics.PrometheusConfig;
import io.micrometer.prometheusmetrics.PrometheusMeterRegistry;
import java.net.URI;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;

/**
 * All roles in this JVM, over the same gRPC and TCP channels as in processes of their own, with one
 * copy of the weights.
 */
final class LocalCluster implements AutoCloseable {
    private static final long POLL_MILLIS = 5;
    private static final long READY_NANOS = TimeUnit.SECONDS.toNanos(30);

    private final RouterServer router;
    private final ModelRuntime runtime;
    private final List<Worker> workers = new ArrayList<>();
    private final List<StartupBlock.Role> roles = new ArrayList<>();
    private final StartupBlock block;

    private LocalCluster(Configuration configuration, Progress progress)
            throws InterruptedException {
        StoredModel model = Composition.model(configuration, progress);
        PrometheusMeterRegistry meters = new PrometheusMeterRegistry(PrometheusConfig.DEFAULT);
        try (Beside beside = new Beside()) {
            Supplier<RouterServer> starting =
                    beside.start(
                            () ->
                                    RouterServer.start(
                                            RouterOptions.from(configuration),
                                            RouterServer.Surroundings.system(meters)));
            runtime = loaded(configuration, model, starting);
            router = started(starting, runtime);
        }
        try {
            startWorkers(configuration, new Composition.Served(model, runtime), meters);
            awaitReady();
        } catch (RuntimeException e) {
            close();
            throw e;
        }
        block =
                new StartupBlock(
                        model.name(),
                        runtime.kernels().profile().label()
                                + " ("
                                + runtime.kernels().reason()
                                + ")",
                        StartupBlock.pool(configuration, runtime.weights().config()),
                        roles,
                        url());
    }

    private static ModelRuntime loaded(
            Configuration configuration, StoredModel model, Supplier<RouterServer> starting) {
        try {
            return Composition.runtime(configuration, model);
        } catch (RuntimeException e) {
            starting.get().close();
            throw e;
        }
    }

    private static RouterServer started(Supplier<RouterServer> starting, ModelRuntime runtime) {
        try {
            return starting.get();
        } catch (RuntimeException e) {
            runtime.close();
            throw e;
        }
    }

    /** Starts everything that {@code up} starts and waits until it serves. */
    static LocalCluster start(Configuration configuration, Progress progress)
            throws InterruptedException {
        return new LocalCluster(configuration, progress);
    }

    private void startWorkers(
            Configuration base, Composition.Served served, PrometheusMeterRegistry meters) {
        roles.add(
                new StartupBlock.Role(
                        "router", url().getAuthority(), ProcessHandle.current().pid()));
        Map<String, String> address =
                Map.of(
                        "router.address",
                        router.controlAddress(),
                        "control.port",
                        "0",
                        "kv.port",
                        "0");
        boolean colocated = base.get(ClusterSettings.ROLE_COLOCATED);
        int prefillers = colocated ? 0 : base.get(ClusterSettings.UP_PREFILLERS);
        int decoders = base.get(ClusterSettings.UP_DECODERS);
        double decodeShare = base.get(ClusterSettings.UP_DECODE_SHARE);
        for (int i = 1; i <= prefillers; i++) {
            String id = "prefiller-" + i;
            double share = (1 - decodeShare) / prefillers;
            add(id, Composition.prefiller(base.with(address), id, share, served, meters));
        }
        for (int i = 1; i <= decoders; i++) {
            String id = (colocated ? "colocated-" : "decoder-") + i;
            double share = decodeShare / decoders;
            add(id, Composition.decoder(base.with(address), id, share, served, meters));
        }
    }

    private void add(String id, Worker worker) {
        workers.add(worker);
        roles.add(
                new StartupBlock.Role(id, worker.controlAddress(), ProcessHandle.current().pid()));
    }

    private void awaitReady() throws InterruptedException {
        long deadline = System.nanoTime() + READY_NANOS;
        while (joined() < workers.size()) {
            if (System.nanoTime() - deadline > 0) {
                throw new BatonException(
                        ErrorCode.NO_WORKER,
                        "only %d of %d workers joined the router within 30 s; the log says why"
                                .formatted(joined(), workers.size()));
            }
            TimeUnit.MILLISECONDS.sleep(POLL_MILLIS);
        }
    }

    private int joined() {
        return router.pools().stream()
                .filter(PoolView::isServable)
                .mapToInt(pool -> pool.workers().size())
                .sum();
    }

    /** Base URL without {@code /v1}. */
    URI url() {
        return router.uri();
    }

    /** What the terminal shows. */
    StartupBlock block() {
        return block;
    }

    /** Takes nothing new and lets what runs end; returns whether all had ended in time. */
    boolean drain() throws InterruptedException {
        boolean drained = router.drain();
        for (Worker worker : workers) {
            drained &= worker.drain(TimeUnit.SECONDS.toNanos(1));
        }
        return drained;
    }

    @Override
    public void close() {
        // Workers leave before their router ends, or each would report it as lost.
        workers.forEach(Worker::close);
        router.close();
        runtime.close();
    }
}
