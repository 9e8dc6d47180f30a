package io.baton.bench.sim;

import java.util.Arrays;

/**
 * A bandwidth that changes in steps, and repeats after its last one. Immutable.
 *
 * @param name for reports
 * @param stepNanos length of a step
 * @param bytesPerSecond of each step; 0 where nothing passes, though not everywhere
 */
public record BandwidthTrace(String name, long stepNanos, double[] bytesPerSecond) {
    public BandwidthTrace {
        bytesPerSecond = bytesPerSecond.clone();
        if (stepNanos <= 0
                || Arrays.stream(bytesPerSecond).anyMatch(rate -> !(rate >= 0))
                || Arrays.stream(bytesPerSecond).sum() <= 0) {
            throw new IllegalArgumentException("trace " + name + " lets nothing pass");
        }
    }

    /** The same bandwidth always. */
    public static BandwidthTrace constant(double bytesPerSecond) {
        return new BandwidthTrace("constant", 1_000_000_000L, new double[] {bytesPerSecond});
    }

    @Override
    public double[] bytesPerSecond() {
        return bytesPerSecond.clone();
    }

    /** Length until it repeats. */
    public long lengthNanos() {
        return stepNanos * bytesPerSecond.length;
    }

    /** Bandwidth at a time, counted from 0. */
    public double at(long nanos) {
        return bytesPerSecond[(int) (nanos / stepNanos % bytesPerSecond.length)];
    }

    /** When so many bytes have passed that began to at {@code startNanos}. */
    public long doneNanos(long startNanos, long bytes) {
        long now = startNanos;
        double left = bytes;
        while (left > 0) {
            double rate = at(now);
            long stepEnd = (now / stepNanos + 1) * stepNanos;
            double passes = rate * (stepEnd - now) / 1e9;
            if (passes >= left) {
                return now + (long) Math.ceil(left / rate * 1e9);
            }
            left -= passes;
            now = stepEnd;
        }
        return now;
    }
}
