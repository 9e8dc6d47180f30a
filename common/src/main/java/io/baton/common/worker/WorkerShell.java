package io.baton.common.worker;

import io.baton.common.error.ErrorCode;
import io.baton.common.proto.KvFormat;
import io.baton.common.proto.ModelCard;
import io.baton.common.proto.Registration;
import io.baton.common.proto.Role;
import io.baton.common.proto.Status;
import io.baton.common.time.Ticker;
import io.baton.common.time.Timer;
import io.grpc.ManagedChannel;
import io.grpc.Server;
import io.grpc.ServerServiceDefinition;
import java.security.SecureRandom;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Executor;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;
import java.util.random.RandomGenerator;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * What surrounds the roles of a worker: its gRPC server, its membership at the routers, its admin
 * port, the watchdog over its engine, and the order in which it ends. A worker whose engine is
 * stuck leaves its routers and comes back when the engine moves again. Safe for any thread.
 */
public final class WorkerShell implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(WorkerShell.class);
    private static final long WATCH_NANOS = TimeUnit.MILLISECONDS.toNanos(250);
    private static final long LAST_WORDS_MILLIS = 1000;
    private static final long LAST_CALLS_NANOS = TimeUnit.SECONDS.toNanos(2);

    /** How the watchdog sees an engine. */
    public record Pulse(long steps, boolean hasWork) {}

    /**
     * The roles inside the shell.
     *
     * @param status for heartbeats
     * @param pulse for the watchdog
     * @param metrics in Prometheus' text format
     * @param live the attempts of every role
     */
    public record Inside(
            Supplier<Status> status,
            Supplier<Pulse> pulse,
            Supplier<String> metrics,
            List<LiveCalls<?>> live) {
        public Inside {
            live = List.copyOf(live);
        }
    }

    /**
     * What the worker is.
     *
     * @param incarnation random, new at every start
     */
    public record Identity(
            Role role, long incarnation, ModelCard model, KvFormat kv, int maxSequences) {}

    /** Time, chance and threads. */
    public record Surroundings(
            Timer timer, Ticker ticker, RandomGenerator random, Executor executor) {
        /** The machine's, with threads that end with {@code parts}. */
        public static Surroundings system(String workerId, OpenParts parts) {
            Timer.SystemTimer timer = parts.add(Timer.system("baton-timer-" + workerId));
            ExecutorService executor = Executors.newVirtualThreadPerTaskExecutor();
            parts.add(executor::shutdown);
            return new Surroundings(timer, Ticker.system(), new SecureRandom(), executor);
        }
    }

    private final WorkerOptions options;
    private final Identity identity;
    private final Inside inside;
    private final Surroundings around;
    private final Server server;
    private final @Nullable AdminServer admin;
    private final StepWatchdog watchdog;
    private final List<ManagedChannel> channels = new ArrayList<>();
    private final List<RouterLink> links = new ArrayList<>();
    private boolean draining;
    private boolean stuck;
    private boolean closed;

    private WorkerShell(
            WorkerOptions options,
            Identity identity,
            Inside inside,
            Surroundings around,
            List<ServerServiceDefinition> services) {
        this.options = options;
        this.identity = identity;
        this.inside = inside;
        this.around = around;
        WorkerOptions.Listen listen = options.listen();
        ClusterToken token = options.membership().token();
        this.watchdog = new StepWatchdog(options.limits().stepNanos());
        OpenParts opened = new OpenParts();
        try {
            for (String router : options.membership().routers()) {
                ManagedChannel channel = ControlPlane.connect(router, token);
                opened.add(channel::shutdownNow);
                channels.add(channel);
            }
            this.server =
                    ControlPlane.listen(
                            listen.controlHost(), listen.controlPort(), token, services);
            opened.add(server::shutdownNow);
            this.admin =
                    listen.adminPort() < 0
                            ? null
                            : AdminServer.start(
                                    listen.controlHost(),
                                    listen.adminPort(),
                                    token,
                                    new AdminServer.Sources(inside.metrics(), this::isAlive));
        } catch (RuntimeException e) {
            opened.close();
            throw e;
        }
    }

    /**
     * Listens, then joins the routers.
     *
     * @throws io.baton.common.error.BatonException CONFIGURATION if an address cannot be used
     */
    public static WorkerShell start(
            WorkerOptions options,
            Identity identity,
            Inside inside,
            Surroundings around,
            List<ServerServiceDefinition> services) {
        WorkerShell shell = new WorkerShell(options, identity, inside, around, services);
        shell.join();
        shell.watch();
        return shell;
    }

    /** Where routers reach this worker. */
    public String controlAddress() {
        return new HostPort(options.listen().reachableHost(), server.getPort()).toString();
    }

    /** The port of metrics and liveness; -1 if there is none. */
    public int adminPort() {
        return admin == null ? -1 : admin.port();
    }

    /** Whether the engine moves. */
    public synchronized boolean isAlive() {
        return !stuck;
    }

    /**
     * Takes nothing new, asks the routers for nothing new, and lets attempts in progress end.
     *
     * @return whether all had ended when the time was over
     */
    public boolean drain(long nanos) {
        inside.live().forEach(LiveCalls::drain);
        synchronized (this) {
            draining = true;
            links.forEach(RouterLink::drain);
        }
        return awaitCalls(nanos);
    }

    private boolean awaitCalls(long nanos) {
        long deadline = around.ticker().nanos() + nanos;
        boolean empty = true;
        for (LiveCalls<?> calls : inside.live()) {
            empty &= calls.awaitEmpty(Math.max(0, deadline - around.ticker().nanos()));
        }
        return empty;
    }

    /**
     * Leaves the routers and stops listening. Open calls are cancelled; what their attempts hold is
     * free afterwards, unless one takes longer than 2 s to end.
     */
    @Override
    public void close() {
        inside.live().forEach(LiveCalls::drain);
        synchronized (this) {
            if (closed) {
                return;
            }
            closed = true;
            leave();
        }
        if (admin != null) {
            admin.close();
        }
        server.shutdownNow();
        channels.forEach(ManagedChannel::shutdown);
        try {
            server.awaitTermination(LAST_WORDS_MILLIS, TimeUnit.MILLISECONDS);
            for (ManagedChannel channel : channels) {
                channel.awaitTermination(LAST_WORDS_MILLIS, TimeUnit.MILLISECONDS);
                channel.shutdownNow();
            }
        } catch (InterruptedException e) {
            channels.forEach(ManagedChannel::shutdownNow);
            Thread.currentThread().interrupt();
        }
        if (!awaitCalls(LAST_CALLS_NANOS)) {
            LOG.warn("{} ends while attempts have not", options.workerId());
        }
    }

    private synchronized void join() {
        Registration registration =
                Registration.newBuilder()
                        .setWorkerId(options.workerId())
                        .setIncarnation(identity.incarnation())
                        .setRole(identity.role())
                        .setControlAddress(controlAddress())
                        .setModel(identity.model())
                        .setKv(identity.kv())
                        .setMaxSequences(identity.maxSequences())
                        .setVersion(version())
                        .build();
        for (int i = 0; i < channels.size(); i++) {
            RouterLink link =
                    new RouterLink(
                            options.membership().routers().get(i),
                            channels.get(i),
                            new RouterLink.Member(
                                    registration, inside.status(), (state, detail) -> {}),
                            new RouterLink.Surroundings(
                                    around.timer(), around.random(), around.executor()));
            if (draining) {
                link.drain();
            }
            link.start();
            links.add(link);
        }
    }

    private synchronized void leave() {
        links.forEach(RouterLink::close);
        links.clear();
    }

    private void watch() {
        try {
            look(inside.pulse().get());
        } finally {
            around.timer().after(WATCH_NANOS, this::watchAgain);
        }
    }

    private void watchAgain() {
        synchronized (this) {
            if (closed) {
                return;
            }
        }
        watch();
    }

    private void look(Pulse pulse) {
        synchronized (this) {
            if (closed) {
                return;
            }
            boolean now = watchdog.isStuck(pulse.steps(), pulse.hasWork(), around.ticker().nanos());
            if (now && !stuck) {
                LOG.error(
                        "{}: engine of {} made no step for {} s though it has work; leaving the routers",
                        ErrorCode.INTERNAL.code(),
                        options.workerId(),
                        TimeUnit.NANOSECONDS.toSeconds(options.limits().stepNanos()));
                leave();
            } else if (!now && stuck) {
                LOG.warn("engine of {} moves again; joining the routers", options.workerId());
                join();
            }
            stuck = now;
        }
    }

    private static String version() {
        String version = WorkerShell.class.getPackage().getImplementationVersion();
        return version == null ? "development" : version;
    }
}
