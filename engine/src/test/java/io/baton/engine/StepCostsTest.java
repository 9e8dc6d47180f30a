package io.baton.engine;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.baton.engine.Scheduler.Limits;
import io.baton.engine.Scheduler.Plan;
import io.baton.engine.Scheduler.Span;
import io.baton.engine.StepCosts.Work;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

class StepCostsTest {
    private static final int BLOCK = 16;

    /** A machine: what a step takes, with noise. */
    private record Machine(double step, double row, double position, SplittableRandom noise) {
        long nanos(Work work) {
            double exact = step + row * work.rows() + position * work.positions();
            return (long) (exact * (0.9 + 0.2 * noise.nextDouble()));
        }
    }

    private static Machine machine() {
        return new Machine(15e6, 1.3e6, 300, new SplittableRandom(1));
    }

    @Test
    void learnsWhatStepsTakeAndShrugsOffPauses() {
        Machine machine = machine();
        StepCosts costs = new StepCosts();
        SplittableRandom random = new SplittableRandom(2);
        for (int i = 0; i < 600; i++) {
            Work work =
                    random.nextBoolean()
                            ? Work.NONE.plus(random.nextInt(4000), 1)
                            : Work.NONE.plus(random.nextInt(4000), random.nextInt(2, 256));
            costs.observe(work, machine.nanos(work));
        }
        for (Work work :
                new Work[] {
                    Work.NONE.plus(500, 1), Work.NONE.plus(0, 256), Work.NONE.plus(3800, 64)
                }) {
            double off = costs.of(work) / machine.nanos(work);
            assertTrue(off > 0.7 && off < 1.4, work + " is off by " + off);
        }
        double before = costs.of(Work.NONE.plus(500, 1));
        costs.observe(Work.NONE.plus(500, 1), 60_000_000_000L);
        assertTrue(costs.of(Work.NONE.plus(500, 1)) < 2 * before);
    }

    @Test
    void rowsWithinALimitAreTheMostThatFit() {
        StepCosts costs = new StepCosts();
        Work work = Work.NONE.plus(100, 4);
        for (double factor : new double[] {1, 1.5, 2, 5, 100}) {
            double limit = factor * costs.of(work);
            int rows = costs.rowsWithin(limit, work, 700, 512);
            assertTrue(costs.of(work.plus(700, rows)) <= limit || rows == 0);
            assertTrue(rows == 512 || costs.of(work.plus(700, rows + 1)) > limit);
        }
        assertEquals(
                512, costs.rowsWithin(Double.POSITIVE_INFINITY, work, 0, 512), "nothing limits");
    }

    private static Sequence queued(Scheduler scheduler, int seed, int tokens) {
        Sequence sequence =
                new Sequence(Specs.greedy("s" + seed, Specs.tokens(seed, tokens), 100_000), BLOCK);
        scheduler.reserve(sequence);
        scheduler.enqueue(sequence, true);
        return sequence;
    }

    /** Steps on the machine until a condition of the last plan; tells the longest of them. */
    private static double run(
            Scheduler scheduler, Machine machine, java.util.function.Predicate<Plan> until) {
        double longest = 0;
        for (int i = 0; i < 10_000; i++) {
            Plan plan = scheduler.plan();
            long nanos = machine.nanos(Work.of(plan.spans()));
            scheduler.complete(plan, true);
            scheduler.took(plan, nanos);
            longest = Math.max(longest, nanos);
            for (Span span : plan.spans()) {
                if (span.samples()) {
                    scheduler.append(span.sequence(), 5, false);
                }
            }
            if (until.test(plan)) {
                return longest;
            }
        }
        throw new AssertionError("it never came");
    }

    /**
     * The promise: with streams running, a long prompt makes no step longer than 3 times one of the
     * streams alone, and takes itself at most 2.5 times as long as alone.
     */
    @Test
    void aLongPromptNeitherHoldsUpStreamsNorIsHeldUp() {
        for (int streams : new int[] {1, 4, 16}) {
            Machine machine = machine();
            Scheduler scheduler =
                    new Scheduler(
                            new KvPool(4000),
                            new Limits(512, 64, 100, 60_000, 256, BLOCK),
                            EngineOptions.Policy.usual(),
                            false);
            for (int i = 0; i < streams; i++) {
                queued(scheduler, i, 100);
            }
            int[] steps = new int[1];
            run(scheduler, machine, plan -> ++steps[0] >= 60);
            steps[0] = 0;
            double alone = run(scheduler, machine, plan -> ++steps[0] >= 60);

            double aloneNanos = 0;
            for (int from = 0; from < 4096; from += 256) {
                aloneNanos += machine.nanos(Work.NONE.plus(from, 256));
            }
            // Once to learn, once for the figures.
            for (int round = 0; round < 2; round++) {
                Sequence prompt = queued(scheduler, 100 + round, 4096);
                double[] nanos = new double[1];
                double longest =
                        run(
                                scheduler,
                                machine,
                                plan -> {
                                    nanos[0] += machine.nanos(Work.of(plan.spans()));
                                    return prompt.generated() > 0;
                                });
                scheduler.release(prompt);
                if (round == 1) {
                    assertTrue(longest < 3 * alone, streams + ": " + longest / alone);
                    assertTrue(nanos[0] < 2.5 * aloneNanos, streams + ": " + nanos[0] / aloneNanos);
                }
            }
        }
    }

    @Test
    void withoutStreamsAPromptHasTheWholeStep() {
        Scheduler scheduler =
                new Scheduler(new KvPool(400), new Limits(512, 64, 100, 6000, 256, BLOCK));
        Sequence prompt = queued(scheduler, 1, 2000);
        assertEquals(256, scheduler.plan().spans().getFirst().rows());
        assertEquals(2000, prompt.remaining());
    }
}
