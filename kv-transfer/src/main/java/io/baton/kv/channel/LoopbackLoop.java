package io.baton.kv.channel;

import io.baton.common.error.BatonException;
import java.time.Duration;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/** The thread of in-process channels: runs what their transports ask for, and ticks. */
final class LoopbackLoop implements ChannelLoop {
    private static final System.Logger LOG = System.getLogger(LoopbackLoop.class.getName());
    private static final long END_NANOS = Duration.ofSeconds(1).toNanos();

    private final ChannelGroup group;
    private final Thread thread;
    // Bounded by the channels: each has at most one read, one write and one end in it.
    private final LinkedBlockingQueue<Runnable> tasks = new LinkedBlockingQueue<>();
    private final Object endLock = new Object();
    private boolean ended;
    private volatile boolean stopping;

    LoopbackLoop(String name, ChannelGroup group) {
        this.group = group;
        this.thread = Thread.ofPlatform().name(name).daemon(true).unstarted(this::run);
    }

    void start() {
        thread.start();
    }

    @Override
    public ChannelGroup group() {
        return group;
    }

    @Override
    public void execute(Runnable task) {
        synchronized (endLock) {
            if (!ended) {
                tasks.add(task);
                return;
            }
        }
        task.run();
    }

    private void run() {
        try {
            while (!stopping || !group.isEmpty()) {
                @Nullable Runnable task =
                        tasks.poll(group.options().bounds().tickNanos(), TimeUnit.NANOSECONDS);
                if (task != null) {
                    task.run();
                }
                group.tick();
            }
        } catch (InterruptedException e) {
            LOG.log(System.Logger.Level.DEBUG, "an in-process channel loop was interrupted", e);
        } finally {
            synchronized (endLock) {
                ended = true;
            }
            for (Runnable task = tasks.poll(); task != null; task = tasks.poll()) {
                task.run();
            }
        }
    }

    void close(BatonException reason) {
        stopping = true;
        group.closeAll(reason);
        execute(() -> {});
        if (Thread.currentThread() == thread) {
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
