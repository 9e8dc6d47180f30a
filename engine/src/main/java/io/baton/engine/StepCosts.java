package io.baton.engine;

import io.baton.engine.Scheduler.Span;
import java.util.List;

/**
 * What a step takes, learned from steps measured: {@code step + row * rows + position * positions},
 * where positions are the places that all rows attend to. Each measurement moves every term by its
 * share of the time, in proportion (a multiplicative update, so no term turns negative): steps that
 * only decode teach the first, long spans the second, late ones the third. The unit is free, and
 * before the first measurement only ratios mean anything. Not safe for several threads.
 */
final class StepCosts {
    /** How much of a difference one measurement makes up for. */
    private static final double RATE = 0.25;

    /** A measurement further off than this factor is taken as off by it: a pause, not a cost. */
    private static final double MOST_OFF = 4;

    // Ratios of a model of 135M parameters on two cores, to begin with.
    private double step = 12;
    private double row = 1;
    private double position = 1.0 / 4000;
    private boolean measured;

    /**
     * What is computed in a step.
     *
     * @param positions the sum over all rows of the tokens they attend to
     */
    record Work(int rows, long positions) {
        static final Work NONE = new Work(0, 0);

        static Work of(List<Span> spans) {
            Work work = NONE;
            for (Span span : spans) {
                work = work.plus(span.from(), span.rows());
            }
            return work;
        }

        /** With rows of one more sequence, the first at place {@code from}. */
        Work plus(int from, int more) {
            long attended = (long) more * from + (long) more * (more + 1) / 2;
            return new Work(rows + more, positions + attended);
        }
    }

    /** What a step with this work takes. */
    double of(Work work) {
        return step + row * work.rows() + position * work.positions();
    }

    /** A step took so long. */
    void observe(Work work, long nanos) {
        if (work.rows() == 0 || nanos <= 0) {
            return;
        }
        double expected = of(work);
        double off = nanos / expected;
        if (!measured) {
            measured = true;
            step *= off;
            row *= off;
            position *= off;
            return;
        }
        double change = RATE * (Math.clamp(off, 1 / MOST_OFF, MOST_OFF) - 1) / expected;
        step *= 1 + change * step;
        row *= 1 + change * row * work.rows();
        position *= 1 + change * position * work.positions();
    }

    /**
     * How many rows a sequence can add to a step that then takes no longer than {@code limit}.
     *
     * @param from place of the first row
     * @param most the answer at most
     */
    int rowsWithin(double limit, Work work, int from, int most) {
        int fits = 0;
        int tooMany = most + 1;
        while (tooMany - fits > 1) {
            int rows = (fits + tooMany) >>> 1;
            if (of(work.plus(from, rows)) <= limit) {
                fits = rows;
            } else {
                tooMany = rows;
            }
        }
        return fits;
    }
}
