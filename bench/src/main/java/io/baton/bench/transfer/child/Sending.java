package io.baton.bench.transfer.child;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;

/** Runs every stream of a load on a thread of its own. */
final class Sending {
    private Sending() {}

    /** What one stream does. */
    @FunctionalInterface
    interface Stream {
        void run(int stream) throws Exception;
    }

    /** From before the first byte was sent, on the clock that both processes share. */
    static long run(int streams, Stream each) throws InterruptedException {
        try (ExecutorService threads = Executors.newFixedThreadPool(streams)) {
            List<Callable<Void>> all = new ArrayList<>();
            for (int i = 0; i < streams; i++) {
                int stream = i;
                all.add(
                        () -> {
                            each.run(stream);
                            return null;
                        });
            }
            long start = System.nanoTime();
            for (Future<Void> one : threads.invokeAll(all)) {
                try {
                    one.get();
                } catch (ExecutionException e) {
                    throw new IllegalStateException(
                            "a stream failed: " + e.getCause(), e.getCause());
                }
            }
            return start;
        }
    }
}
