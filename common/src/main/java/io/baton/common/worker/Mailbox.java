package io.baton.common.worker;

import java.util.ArrayDeque;
import java.util.concurrent.Executor;
import java.util.function.Consumer;

/**
 * Runs tasks one after the other in the order they were posted, on an executor's threads. What only
 * its tasks touch needs no lock. Posting never blocks and never runs a task on the caller's thread,
 * unless the executor does.
 */
public final class Mailbox {
    private final Executor executor;
    private final int capacity;
    private final Consumer<RuntimeException> onError;
    private final ArrayDeque<Runnable> tasks = new ArrayDeque<>();
    private boolean running;

    /**
     * @param capacity tasks that may wait
     * @param onError hears what a task throws; the tasks after it still run
     */
    public Mailbox(Executor executor, int capacity, Consumer<RuntimeException> onError) {
        this.executor = executor;
        this.capacity = capacity;
        this.onError = onError;
    }

    /** Queues a task; false, and nothing is queued, if the mailbox is full. */
    public boolean post(Runnable task) {
        synchronized (tasks) {
            if (tasks.size() >= capacity) {
                return false;
            }
            tasks.add(task);
            if (running) {
                return true;
            }
            running = true;
        }
        executor.execute(this::run);
        return true;
    }

    private void run() {
        while (true) {
            Runnable task;
            synchronized (tasks) {
                task = tasks.poll();
                if (task == null) {
                    running = false;
                    return;
                }
            }
            try {
                task.run();
            } catch (RuntimeException e) {
                onError.accept(e);
            } catch (Error e) {
                // Else the tasks behind it would wait for ever.
                onError.accept(new IllegalStateException("a task ended with " + e, e));
            }
        }
    }
}
