package io.baton.kernels.host;

import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * A fixed number of threads that share out numbered tasks; the caller takes part. One job runs at a
 * time. Which thread runs a task never matters to its result.
 */
public final class WorkPool implements AutoCloseable {
    /** A task by its number. */
    @FunctionalInterface
    public interface Task {
        void run(int index);
    }

    private final int threads;
    private final ExecutorService helpers;
    private final ReentrantLock turn = new ReentrantLock(true);

    /**
     * @param threads threads that compute, the caller's included
     */
    public WorkPool(int threads) {
        if (threads <= 0) {
            throw new IllegalArgumentException("at least one thread is needed, got " + threads);
        }
        this.threads = threads;
        this.helpers =
                Executors.newFixedThreadPool(
                        Math.max(1, threads - 1),
                        Thread.ofPlatform().daemon().name("baton-kernels-", 0).factory());
    }

    /**
     * Runs tasks 0 to {@code tasks - 1} and returns when all are done; the first failure is thrown.
     */
    public void run(int tasks, Task task) {
        turn.lock();
        try {
            int helping = Math.min(threads, tasks) - 1;
            if (helping <= 0) {
                for (int i = 0; i < tasks; i++) {
                    task.run(i);
                }
                return;
            }
            share(helping, tasks, task);
        } finally {
            turn.unlock();
        }
    }

    private void share(int helping, int tasks, Task task) {
        AtomicInteger next = new AtomicInteger();
        AtomicReference<@Nullable Throwable> failure = new AtomicReference<>();
        CountDownLatch done = new CountDownLatch(helping);
        Runnable work =
                () -> {
                    try {
                        for (int i = next.getAndIncrement();
                                i < tasks;
                                i = next.getAndIncrement()) {
                            task.run(i);
                        }
                    } catch (RuntimeException | Error e) {
                        failure.compareAndSet(null, e);
                        next.set(tasks);
                    }
                };
        for (int i = 0; i < helping; i++) {
            helpers.execute(
                    () -> {
                        work.run();
                        done.countDown();
                    });
        }
        work.run();
        awaitQuietly(done);
        Throwable thrown = failure.get();
        if (thrown instanceof Error error) {
            throw error;
        }
        if (thrown instanceof RuntimeException exception) {
            throw exception;
        }
    }

    // The tasks write into the caller's buffers: leaving before they end would let them write
    // later.
    private static void awaitQuietly(CountDownLatch done) {
        boolean interrupted = false;
        while (true) {
            try {
                done.await();
                break;
            } catch (InterruptedException e) {
                interrupted = true;
            }
        }
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
    }

    @Override
    public void close() {
        helpers.shutdown();
    }
}
