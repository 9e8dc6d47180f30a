package io.baton.engine;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.baton.engine.Scheduler.Limits;
import io.baton.engine.Scheduler.Plan;
import io.baton.engine.Scheduler.Span;
import io.baton.engine.StepCosts.Work;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

class StepCostsTest {
    private static final int BLOCK = 16;

    /** A machine: what a step takes, with noise; rows of prefill are dearer in small numbers. */
    private record Machine(double step, double row, double position, SplittableRandom noise) {
        long nanos(Work generated, Work prefilled) {
            double dearer = generated.rows() > 0 ? 1.3 : 1;
            double exact =
                    step
                            + row * (generated.rows() + dearer * prefilled.rows())
                            + position * (generated.positions() + prefilled.positions());
            return (long) (exact * (0.9 + 0.2 * noise.nextDouble()));
        }

        long nanos(Plan plan) {
            return nanos(
                    Work.of(plan.spans().stream().filter(span -> !span.isPrefill()).toList()),
                    Work.of(plan.spans().stream().filter(Span::isPrefill).toList()));
        }
    }

    private static Machine machine() {
        return new Machine(10e6, 1.3e6, 600, new SplittableRandom(1));
    }

    @Test
    void learnsWhatStepsTakeAndShrugsOffPauses() {
        Machine machine = machine();
        StepCosts costs = new StepCosts();
        SplittableRandom random = new SplittableRandom(2);
        for (int i = 0; i < 600; i++) {
            Work generated = Work.NONE.plus(random.nextInt(2000), 1).plus(random.nextInt(900), 1);
            Work prefilled =
                    random.nextBoolean()
                            ? Work.NONE
                            : Work.NONE.plus(random.nextInt(4000), random.nextInt(2, 40));
            costs.observe(generated, prefilled, machine.nanos(generated, prefilled));
        }
        Work two = Work.NONE.plus(500, 1).plus(800, 1);
        double alone = costs.generating(two) / machine.nanos(two, Work.NONE);
        assertTrue(alone > 0.7 && alone < 1.4, "alone is off by " + alone);
        for (Work prefill : new Work[] {Work.NONE.plus(0, 20), Work.NONE.plus(3800, 8)}) {
            double off =
                    (costs.generating(two) + costs.beside(prefill)) / machine.nanos(two, prefill);
            assertTrue(off > 0.7 && off < 1.4, prefill + " is off by " + off);
        }
        double before = costs.generating(two);
        costs.observe(two, Work.NONE, 60_000_000_000L);
        assertTrue(costs.generating(two) < 1.3 * before);
    }

    /** Streams that always have prefill beside them: what they take alone is not forgotten. */
    @Test
    void whatIsKnownOfGeneratingStaysBesidePrefill() {
        StepCosts costs = new StepCosts();
        Work generated = Work.NONE.plus(500, 1);
        Work prefilled = Work.NONE.plus(1000, 16);
        for (int i = 0; i < 50; i++) {
            costs.observe(generated, Work.NONE, 10_000_000);
        }
        for (int i = 0; i < 500; i++) {
            costs.observe(generated, prefilled, 90_000_000);
        }
        assertEquals(10e6, costs.generating(generated), 1e6);
        assertEquals(80e6, costs.beside(prefilled), 8e6);
    }

    @Test
    void rowsWithinALimitAreTheMostThatFit() {
        StepCosts costs = new StepCosts();
        Work work = Work.NONE.plus(100, 4);
        for (double factor : new double[] {1, 1.5, 2, 5, 100}) {
            double limit = factor * costs.beside(work);
            int rows = costs.rowsWithin(limit, work, 700, 512);
            assertTrue(costs.beside(work.plus(700, rows)) <= limit || rows == 0);
            assertTrue(rows == 512 || costs.beside(work.plus(700, rows + 1)) > limit);
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

    /** Steps on the machine until a condition of the last plan; tells the p99 of what they took. */
    private static double run(
            Scheduler scheduler, Machine machine, java.util.function.Predicate<Plan> until) {
        List<Long> all = new ArrayList<>();
        for (int i = 0; i < 10_000; i++) {
            Plan plan = scheduler.plan();
            long nanos = machine.nanos(plan);
            scheduler.complete(plan, true);
            scheduler.took(plan, nanos);
            all.add(nanos);
            for (Span span : plan.spans()) {
                if (span.samples()) {
                    scheduler.append(span.sequence(), 5, false);
                }
            }
            if (until.test(plan)) {
                Collections.sort(all);
                return all.get((int) Math.ceil(0.99 * all.size()) - 1);
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
                aloneNanos += machine.nanos(Work.NONE, Work.NONE.plus(from, 256));
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
                                    nanos[0] += machine.nanos(plan);
                                    return prompt.generated() > 0;
                                });
                scheduler.release(prompt);
                // The streams' own contexts have grown meanwhile.
                steps[0] = 0;
                alone = run(scheduler, machine, plan -> ++steps[0] >= 60);
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
