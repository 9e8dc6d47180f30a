package io.baton.deploy.cli;

import io.baton.common.time.Ticker;
import java.io.IOException;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Keeps the processes of {@code up --processes} alive: a role that dies is started again, at most
 * {@value #RESTARTS_A_MINUTE} times a minute each; then the supervisor gives up on it and says so.
 */
final class Supervisor implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(Supervisor.class);
    private static final int RESTARTS_A_MINUTE = 30;
    private static final long RESTART_DELAY_MILLIS = 200;

    private final Ticker ticker;
    private final Map<String, String> environment;
    private final List<Child> children = new ArrayList<>();
    private boolean closing;
    private Runnable onChange = () -> {};

    /**
     * @param environment added to every child's own
     */
    Supervisor(Ticker ticker, Map<String, String> environment) {
        this.ticker = ticker;
        this.environment = environment;
    }

    /** A supervised role. */
    record Role(String name, List<String> arguments, Map<String, String> environment) {}

    private static final class Child {
        final Role role;
        final Deque<Long> restarts = new ArrayDeque<>();
        Process process;

        Child(Role role, Process process) {
            this.role = role;
            this.process = process;
        }
    }

    /** Starts a role and goes on watching it. */
    synchronized void start(Role role) throws IOException {
        Child child = new Child(role, launch(role));
        children.add(child);
        watch(child);
    }

    /** Called after every restart, with the lock held: it may ask for {@link #processes}. */
    synchronized void onChange(Runnable action) {
        onChange = action;
    }

    private Process launch(Role role) throws IOException {
        Map<String, String> all = new java.util.HashMap<>(environment);
        all.putAll(role.environment());
        return JavaProcess.start(role.arguments(), all);
    }

    private void watch(Child child) {
        Process process = child.process;
        process.onExit().thenAccept(ended -> ended(child, ended));
    }

    private synchronized void ended(Child child, Process process) {
        if (closing || child.process != process) {
            return;
        }
        long now = ticker.nanos();
        while (!child.restarts.isEmpty()
                && now - child.restarts.peekFirst() > TimeUnit.MINUTES.toNanos(1)) {
            child.restarts.removeFirst();
        }
        if (child.restarts.size() >= RESTARTS_A_MINUTE) {
            LOG.error(
                    "{} ended with status {} for the {}th time in a minute; it stays down: look at its log, then restart",
                    child.role.name(),
                    process.exitValue(),
                    child.restarts.size() + 1);
            return;
        }
        child.restarts.addLast(now);
        LOG.warn(
                "{} ended with status {}; starting it again",
                child.role.name(),
                process.exitValue());
        CompletableFuture.delayedExecutor(RESTART_DELAY_MILLIS, TimeUnit.MILLISECONDS)
                .execute(() -> restart(child));
    }

    private synchronized void restart(Child child) {
        if (closing) {
            return;
        }
        try {
            child.process = launch(child.role);
            watch(child);
            onChange.run();
        } catch (IOException e) {
            LOG.error("{} cannot be started again", child.role.name(), e);
        }
    }

    /** Role names with the process ids that run now. */
    synchronized List<Map.Entry<String, Long>> processes() {
        List<Map.Entry<String, Long>> processes = new ArrayList<>();
        for (Child child : children) {
            processes.add(Map.entry(child.role.name(), child.process.pid()));
        }
        return processes;
    }

    /**
     * Ends all children in the order of their start, the first (the router) first so that it can
     * drain.
     */
    @Override
    public void close() throws InterruptedException {
        List<Child> all;
        synchronized (this) {
            closing = true;
            all = List.copyOf(children);
        }
        for (Child child : all) {
            child.process.destroy();
            if (!child.process.waitFor(35, TimeUnit.SECONDS)) {
                LOG.warn("{} did not drain in time; it is killed", child.role.name());
                child.process.destroyForcibly();
            }
        }
    }
}
