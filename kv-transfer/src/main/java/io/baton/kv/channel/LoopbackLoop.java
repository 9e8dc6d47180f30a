package io.baton.kv.channel;

import io.baton.common.error.BatonException;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;

/** The thread of in-process channels: runs what their transports ask for, and ticks. */
final class LoopbackLoop implements ChannelLoop {
    private static final System.Logger LOG = System.getLogger(LoopbackLoop.class.getName());

    private final ChannelGroup group;
    private final Semaphore signs = new Semaphore(0);
    private final LoopThread thread;

    LoopbackLoop(String name, ChannelGroup group) {
        this.group = group;
        this.thread = new LoopThread(name, group, this::run, signs::release);
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
        thread.execute(task);
    }

    private void run() {
        long tickNanos = group.options().bounds().tickNanos();
        try {
            while (!thread.isStopping() || !group.isEmpty()) {
                if (signs.tryAcquire(tickNanos, TimeUnit.NANOSECONDS)) {
                    signs.drainPermits();
                }
                thread.runTasks();
                group.tick();
            }
        } catch (InterruptedException e) {
            LOG.log(System.Logger.Level.DEBUG, "an in-process channel loop was interrupted", e);
        } finally {
            thread.end();
        }
    }

    void close(BatonException reason) {
        thread.close(reason);
    }
}
