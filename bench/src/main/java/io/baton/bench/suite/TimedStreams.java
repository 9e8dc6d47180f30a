package io.baton.bench.suite;

import io.baton.bench.client.DroppableStream;
import java.io.IOException;
import java.net.URI;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;

/**
 * Streams that run until they are closed, each read by a thread of its own that notes when events
 * come. Safe for any thread.
 */
final class TimedStreams implements AutoCloseable {
    private static final long WAIT_SECONDS = 120;

    private final List<DroppableStream> streams = new ArrayList<>();
    private final List<List<Long>> eventNanos = new ArrayList<>();
    private final List<Thread> readers = new ArrayList<>();
    private volatile boolean closing;
    private volatile boolean broken;

    /** Opens one stream for each body. */
    static TimedStreams open(URI base, List<? extends Map<String, ?>> bodies) throws IOException {
        TimedStreams all = new TimedStreams();
        try {
            for (Map<String, ?> body : bodies) {
                all.add(DroppableStream.open(base, "/v1/completions", body));
            }
        } catch (IOException e) {
            all.close();
            throw e;
        }
        return all;
    }

    private void add(DroppableStream stream) {
        List<Long> events = Collections.synchronizedList(new ArrayList<>());
        streams.add(stream);
        eventNanos.add(events);
        readers.add(
                Thread.ofPlatform()
                        .name("stream-" + readers.size())
                        .start(() -> read(stream, events)));
    }

    private void read(DroppableStream stream, List<Long> events) {
        try {
            while (true) {
                stream.awaitEvents(1);
                events.add(System.nanoTime());
            }
        } catch (IOException e) {
            // The end that closing makes is no failure.
            broken |= !closing;
        }
    }

    /** Waits until every stream has so many more events. */
    void awaitEvents(int more) throws IOException, InterruptedException {
        int[] goals = eventNanos.stream().mapToInt(events -> events.size() + more).toArray();
        long start = System.nanoTime();
        for (int i = 0; i < goals.length; i++) {
            while (eventNanos.get(i).size() < goals[i]) {
                if (broken || System.nanoTime() - start > TimeUnit.SECONDS.toNanos(WAIT_SECONDS)) {
                    throw new IOException("a stream ended or stopped before its time");
                }
                TimeUnit.MILLISECONDS.sleep(5);
            }
        }
    }

    /** Seconds between events of one stream that came within {@code [from, to]}. */
    List<Double> gaps(long from, long to) throws IOException {
        if (broken) {
            throw new IOException("a stream ended before its time");
        }
        List<Double> gaps = new ArrayList<>();
        for (List<Long> events : eventNanos) {
            Long[] times = events.toArray(Long[]::new);
            for (int i = 1; i < times.length; i++) {
                if (times[i - 1] >= from && times[i] <= to) {
                    gaps.add((times[i] - times[i - 1]) / 1e9);
                }
            }
        }
        return gaps;
    }

    @Override
    public void close() throws IOException {
        closing = true;
        for (DroppableStream stream : streams) {
            stream.close();
        }
        boolean interrupted = false;
        for (Thread reader : readers) {
            while (reader.isAlive()) {
                try {
                    reader.join();
                } catch (InterruptedException e) {
                    interrupted = true;
                }
            }
        }
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
    }

    /** By nearest rank. */
    static double percentile(List<Double> values, double share) {
        double[] sorted = values.stream().mapToDouble(Double::doubleValue).toArray();
        Arrays.sort(sorted);
        return sorted[Math.max(0, (int) Math.ceil(share * sorted.length) - 1)];
    }
}
