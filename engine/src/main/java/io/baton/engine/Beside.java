package io.baton.engine;

import io.baton.common.error.BatonException;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.function.Supplier;

/**
 * Parts of a start that run beside each other, each on a thread of its own. Closing waits for all
 * of them, so that a part that fails leaves nobody at work on what its caller then closes. For one
 * thread.
 */
public final class Beside implements AutoCloseable {
    private final ExecutorService threads = Executors.newThreadPerTaskExecutor(Thread::new);

    /**
     * Starts a part now; the answer waits for its result and throws what it threw.
     *
     * @throws IllegalStateException from the answer, if the part threw something checked or the
     *     waiting thread was interrupted
     */
    public <T> Supplier<T> start(Callable<T> part) {
        Future<T> running = threads.submit(part);
        return () -> result(running);
    }

    private static <T> T result(Future<T> running) {
        try {
            return running.get();
        } catch (ExecutionException e) {
            switch (e.getCause()) {
                // Said again as it is: it tells its reader what to do.
                case BatonException known -> throw known;
                case Error error -> throw error;
                case null, default -> throw new IllegalStateException("a part of the start", e);
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException("interrupted during the start", e);
        }
    }

    @Override
    public void close() {
        threads.close();
    }
}
