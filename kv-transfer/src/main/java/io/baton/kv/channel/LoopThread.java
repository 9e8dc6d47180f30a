package io.baton.kv.channel;

import io.baton.common.error.BatonException;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Queue;
import org.jspecify.annotations.Nullable;

/**
 * The thread of a {@link ChannelLoop}: the tasks it is given, and how it ends. What it does between
 * tasks is the loop's business. Safe for any thread.
 */
public final class LoopThread {
    /** For what is left after the channels were cut. */
    private static final long END_NANOS = Duration.ofSeconds(1).toNanos();

    private final ChannelGroup group;
    private final Runnable wake;
    private final Thread thread;
    // Bounded by the channels: each has at most one read, one write and one end in it.
    private final Queue<Runnable> tasks = new ArrayDeque<>();
    private boolean ended;
    private volatile boolean stopping;

    /**
     * A thread that has not begun: see {@link #start}.
     *
     * @param body what the thread does until {@link #isStopping} and the group is empty; calls
     *     {@link #end} last
     * @param wake ends the body's sleep, or its next one; called while it has not ended
     */
    public LoopThread(String name, ChannelGroup group, Runnable body, Runnable wake) {
        this.group = group;
        this.wake = wake;
        this.thread = Thread.ofPlatform().name(name).daemon(true).unstarted(body);
    }

    /** Starts the thread. */
    public void start() {
        thread.start();
    }

    /** Whether the caller runs on it. */
    public boolean isCurrent() {
        return Thread.currentThread() == thread;
    }

    /** Whether no channel is wanted any more. */
    public boolean isStopping() {
        return stopping;
    }

    /** Runs a task on the thread, after its end on the caller's. */
    public void execute(Runnable task) {
        synchronized (tasks) {
            if (!ended) {
                tasks.add(task);
                wake.run();
                return;
            }
        }
        task.run();
    }

    /** Whether tasks wait. */
    public boolean hasTasks() {
        synchronized (tasks) {
            return !tasks.isEmpty();
        }
    }

    /** Runs the tasks that wait; whether there were any. The thread itself. */
    public boolean runTasks() {
        boolean any = false;
        for (Runnable task = next(); task != null; task = next()) {
            any = true;
            task.run();
        }
        return any;
    }

    private @Nullable Runnable next() {
        synchronized (tasks) {
            return tasks.poll();
        }
    }

    /** Takes no further task and runs those that wait. The thread itself, last. */
    public void end() {
        synchronized (tasks) {
            ended = true;
        }
        runTasks();
    }

    /**
     * Closes all channels in order, waits for the thread within the linger time, then cuts what is
     * left.
     */
    public void close(BatonException reason) {
        stopping = true;
        group.closeAll(reason);
        execute(() -> {});
        if (isCurrent()) {
            group.abortAll(reason);
            return;
        }
        awaitEnd(group.options().bounds().lingerNanos());
        group.abortAll(reason);
        execute(() -> {});
        awaitEnd(END_NANOS);
    }

    private void awaitEnd(long nanos) {
        try {
            thread.join(Duration.ofNanos(Math.max(1, nanos)));
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}
