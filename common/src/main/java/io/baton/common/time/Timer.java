package io.baton.common.time;

import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ScheduledFuture;
import java.util.concurrent.ScheduledThreadPoolExecutor;
import java.util.concurrent.TimeUnit;

/** Runs things later. Injected, so that tests use a virtual clock. Safe for any thread. */
@FunctionalInterface
public interface Timer {
    /**
     * Runs {@code task} once, at least {@code nanos} from now, on the timer's thread: it must
     * return at once.
     */
    Handle after(long nanos, Runnable task);

    /** A task that was scheduled. */
    @FunctionalInterface
    interface Handle {
        /** Prevents the task from starting; harmless when it has run. */
        void cancel();
    }

    /** A timer with one daemon thread, for composition roots; they close it. */
    static SystemTimer system(String threadName) {
        return new SystemTimer(threadName);
    }

    /** The real timer. */
    final class SystemTimer implements Timer, AutoCloseable {
        private static final System.Logger LOG = System.getLogger(SystemTimer.class.getName());

        private final ScheduledThreadPoolExecutor executor;

        private SystemTimer(String threadName) {
            executor =
                    new ScheduledThreadPoolExecutor(
                            1, Thread.ofPlatform().daemon().name(threadName).factory());
            executor.setRemoveOnCancelPolicy(true);
            executor.setExecuteExistingDelayedTasksAfterShutdownPolicy(false);
        }

        @Override
        public Handle after(long nanos, Runnable task) {
            try {
                ScheduledFuture<?> future =
                        executor.schedule(() -> run(task), nanos, TimeUnit.NANOSECONDS);
                return () -> future.cancel(false);
            } catch (RejectedExecutionException e) {
                // Closed: nothing runs any more, and nobody waits for it.
                return () -> {};
            }
        }

        /** The executor would keep what a task throws in a future that nobody reads. */
        private static void run(Runnable task) {
            try {
                task.run();
            } catch (RuntimeException e) {
                LOG.log(System.Logger.Level.ERROR, "a timer's task failed", e);
            }
        }

        @Override
        public void close() {
            executor.shutdownNow();
        }
    }
}
