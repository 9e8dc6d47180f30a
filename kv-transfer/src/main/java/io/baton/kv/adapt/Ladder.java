package io.baton.kv.adapt;

import java.util.List;

/**
 * The rungs a sender may choose from, the finest first, with what was measured of them: ratio and
 * coding speed are moving averages that begin at what is expected.
 */
public final class Ladder {
    /** Weight of a new measurement: a few chunks tell. */
    private static final double WEIGHT = 0.25;

    private final Rung[] rungs;

    /**
     * @param expected finest first, with ratios that do not fall
     */
    public Ladder(List<Rung> expected) {
        if (expected.isEmpty()) {
            throw new IllegalArgumentException("a ladder needs a rung");
        }
        this.rungs = expected.toArray(Rung[]::new);
    }

    /** Number of rungs. */
    public int size() {
        return rungs.length;
    }

    /** What is known of a rung now; 0 is the finest. */
    public Rung rung(int index) {
        return rungs[index];
    }

    /**
     * A part was coded.
     *
     * @param encodeNanos one thread's time; nothing is learnt about speed where it is 0
     */
    public void encoded(int index, long rawBytes, long codedBytes, long encodeNanos) {
        Rung known = rungs[index];
        double ratio = mix(known.ratio(), (double) rawBytes / codedBytes);
        double speed = known.encodeBytesPerSecond();
        if (encodeNanos > 0 && !Double.isInfinite(speed)) {
            speed = mix(speed, rawBytes * 1e9 / encodeNanos);
        }
        rungs[index] = new Rung(known.name(), ratio, speed, known.decodeBytesPerSecond());
    }

    /** The receiver tells how many raw bytes it decodes in a second, by all lossy rungs alike. */
    public void decodes(double rawBytesPerSecond) {
        for (int i = 0; i < rungs.length; i++) {
            Rung known = rungs[i];
            if (rawBytesPerSecond > 0 && !Double.isInfinite(known.decodeBytesPerSecond())) {
                rungs[i] =
                        new Rung(
                                known.name(),
                                known.ratio(),
                                known.encodeBytesPerSecond(),
                                rawBytesPerSecond);
            }
        }
    }

    private static double mix(double known, double measured) {
        return known + WEIGHT * (measured - known);
    }
}
