package io.baton.engine;

import io.baton.engine.Scheduler.Span;
import java.util.List;

/**
 * What a step takes, learned from steps measured, as the sum of two parts: what the rows of
 * sequences that generate take, {@code step + row * rows + position * positions}, and what rows of
 * prefill add to that, {@code row * rows + position * positions} with terms of its own; positions
 * are the places that rows attend to.
 *
 * <p>Steps that only generate teach the first part and nothing else does, so that what is known of
 * a step without prefill does not drift while there always is some. The second part is what a step
 * takes longer than the first part says; steps of prefill alone, whose rows are cheaper, teach it
 * until the first mixed one. The unit is free, and before the first measurement only ratios mean
 * anything. Not safe for several threads.
 */
final class StepCosts {
    /** A measurement further off than this factor is taken as off by it: a pause, not a cost. */
    private static final double MOST_OFF = 3;

    /** Measurements that are believed however far off they are. */
    private static final int TRUSTED = 4;

    /** Of the time of a mixed step, what its prefill is taken to have had at least. */
    private static final double LEAST_EXTRA = 0.05;

    // Ratios of a model of 135M parameters on two cores, to begin with.
    private final Generating generating = new Generating();
    private final Prefill beside = new Prefill();
    private boolean mixed;

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

    /**
     * Each measurement moves every term by its share of the time, in proportion: no term turns
     * negative, and what is generated changes little from step to step.
     */
    private static final class Generating {
        /** Of a difference, what a measurement makes up for at least; the first ones for more. */
        private static final double RATE = 0.1;

        private double step = 12;
        private double row = 1;
        private double position = 1.0 / 1000;
        private int seen;

        double of(Work work) {
            return step + row * work.rows() + position * work.positions();
        }

        void scale(double factor) {
            step *= factor;
            row *= factor;
            position *= factor;
        }

        void observe(Work work, double measured) {
            double expected = of(work);
            double off = believable(measured / expected, seen);
            double change = Math.max(RATE, 1.0 / (2 + seen)) * (off - 1) / expected;
            step *= 1 + change * step;
            row *= 1 + change * row * work.rows();
            position *= 1 + change * position * work.positions();
            seen++;
        }
    }

    /**
     * Least squares of the relative error with fading memory, held to the terms known before where
     * the measurements do not tell them apart, as within a few spans of one prompt; and over it a
     * factor that follows quickly how fast the machine is now.
     */
    private static final class Prefill {
        private static final double MEMORY = 0.995;
        private static final double HOLD = 0.5;
        private static final double RATE = 0.2;

        private double row = 1;
        private double position = 1.0 / 1000;
        private double pace = 1;
        private int seen;

        // Sums over measurements of products of rows and positions, each per measured time.
        private double rowRow;
        private double rowPosition;
        private double positionPosition;
        private double rows;
        private double positions;

        double of(Work work) {
            return pace * (row * work.rows() + position * work.positions());
        }

        void scale(double factor) {
            row *= factor;
            position *= factor;
        }

        void observe(Work work, double measured) {
            double expected = row * work.rows() + position * work.positions();
            double off = believable(measured / expected, seen);
            pace += Math.max(RATE, 1.0 / (2 + seen)) * (off - pace);
            double x = work.rows() / (off * expected);
            double y = work.positions() / (off * expected);
            rowRow = MEMORY * rowRow + x * x;
            rowPosition = MEMORY * rowPosition + x * y;
            positionPosition = MEMORY * positionPosition + y * y;
            rows = MEMORY * rows + x;
            positions = MEMORY * positions + y;
            solve();
            seen++;
        }

        private void solve() {
            double holdRow = HOLD / (row * row);
            double holdPosition = HOLD / (position * position);
            double a = rowRow + holdRow;
            double d = positionPosition + holdPosition;
            double e = rows + holdRow * row;
            double f = positions + holdPosition * position;
            double determinant = a * d - rowPosition * rowPosition;
            double newRow = (e * d - f * rowPosition) / determinant;
            double newPosition = (a * f - e * rowPosition) / determinant;
            // Noise must not make a term vanish or turn negative.
            row = Math.max(newRow, row / 2);
            position = Math.max(newPosition, position / 2);
        }
    }

    private static double believable(double off, int seen) {
        return seen < TRUSTED ? off : Math.clamp(off, 1 / MOST_OFF, MOST_OFF);
    }

    /** What a step takes that only generates. */
    double generating(Work work) {
        return generating.of(work);
    }

    /** What rows of prefill add to it. */
    double beside(Work prefill) {
        return beside.of(prefill);
    }

    /**
     * A step took so long.
     *
     * @param generated rows of sequences that generate, guesses included
     * @param prefilled rows of prefill
     */
    void observe(Work generated, Work prefilled, long nanos) {
        if (nanos <= 0 || generated.rows() + prefilled.rows() == 0) {
            return;
        }
        if (generating.seen + beside.seen == 0) {
            double off = nanos / (generating.of(generated) + beside.of(prefilled));
            generating.scale(off);
            beside.scale(off);
        }
        if (prefilled.rows() == 0) {
            generating.observe(generated, nanos);
        } else if (generated.rows() > 0 || !mixed) {
            mixed |= generated.rows() > 0;
            double extra = nanos - generating.of(generated);
            beside.observe(prefilled, Math.max(extra, LEAST_EXTRA * nanos));
        }
    }

    /**
     * How many rows a sequence can add to prefill that then adds no more than {@code limit}.
     *
     * @param prefill that there is already
     * @param from place of the first row
     * @param most the answer at most
     */
    int rowsWithin(double limit, Work prefill, int from, int most) {
        int fits = 0;
        int tooMany = most + 1;
        while (tooMany - fits > 1) {
            int rows = (fits + tooMany) >>> 1;
            if (beside.of(prefill.plus(from, rows)) <= limit) {
                fits = rows;
            } else {
                tooMany = rows;
            }
        }
        return fits;
    }
}
