package io.baton.engine;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.baton.common.error.BatonException;
import io.baton.common.error.ErrorCode;
import io.baton.common.generation.SamplingParams;
import io.baton.common.generation.ServiceTerms;
import io.baton.engine.Scheduler.Limits;
import io.baton.engine.Scheduler.Plan;
import io.baton.engine.Scheduler.Span;
import io.baton.engine.Sequence.Phase;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class SchedulerTest {
    private static final int BLOCK = 16;

    /** One whose steps are as long as their rows allow. */
    private static Scheduler scheduler(KvPool pool, int stepTokens, int sequences) {
        return scheduler(
                pool, stepTokens, sequences, new EngineOptions.Policy(16_384, 1000, 0, 1), false);
    }

    private static Scheduler scheduler(
            KvPool pool,
            int stepTokens,
            int sequences,
            EngineOptions.Policy policy,
            boolean parks) {
        return new Scheduler(
                pool,
                new Limits(stepTokens, sequences, 100, pool.blocks() * BLOCK, 64, BLOCK),
                policy,
                parks);
    }

    private static Sequence reserved(Scheduler scheduler, int seed, int tokens) {
        Sequence sequence =
                new Sequence(Specs.greedy("s" + seed, Specs.tokens(seed, tokens), 1000), BLOCK);
        scheduler.reserve(sequence);
        return sequence;
    }

    private static Sequence queued(Scheduler scheduler, int seed, int tokens) {
        Sequence sequence = reserved(scheduler, seed, tokens);
        scheduler.enqueue(sequence, true);
        return sequence;
    }

    /** Runs a step as an engine would, every sampled token being 5. */
    private static List<Span> step(Scheduler scheduler) {
        Plan plan = scheduler.plan();
        moveBlocks(new SplittableRandom(1), scheduler, plan);
        scheduler.complete(plan, true);
        for (Span span : plan.spans()) {
            if (span.scored() > 0) {
                span.sequence().scored = span.from() + span.scored() + 1;
            }
            if (span.samples() && span.sequence().phase == Phase.RUNNING) {
                if (span.sequence().generates) {
                    span.sequence().append(5);
                } else {
                    scheduler.end(span.sequence());
                }
            }
        }
        return plan.spans();
    }

    private static ErrorCode refusal(Scheduler scheduler, int tokens) {
        return assertThrows(BatonException.class, () -> reserved(scheduler, 77, tokens)).code();
    }

    @Test
    void spansEndAtChunkBordersAndFillTheStep() {
        Scheduler scheduler = scheduler(new KvPool(100), 100, 8);
        Sequence first = queued(scheduler, 1, 150);
        Sequence second = queued(scheduler, 2, 50);
        List<Span> spans = step(scheduler);
        assertEquals(
                List.of(new Span(first, 0, 64, false, 0), new Span(second, 0, 36, false, 0)),
                spans);
        spans = step(scheduler);
        assertEquals(
                List.of(new Span(first, 64, 64, false, 0), new Span(second, 36, 14, true, 0)),
                spans);
        spans = step(scheduler);
        assertEquals(
                List.of(new Span(second, 50, 1, true, 0), new Span(first, 128, 22, true, 0)),
                spans);
    }

    @Test
    void admitsInOrderUpToTheLimit() {
        Scheduler scheduler = scheduler(new KvPool(100), 100, 2);
        Sequence first = queued(scheduler, 1, 10);
        queued(scheduler, 2, 10);
        Sequence third = queued(scheduler, 3, 10);
        assertEquals(2, step(scheduler).size());
        assertEquals(Phase.WAITING, third.phase);
        scheduler.release(first);
        step(scheduler);
        assertEquals(Phase.RUNNING, third.phase);
    }

    @Test
    void aFullHitLeavesTheLastTokenToCompute() {
        Scheduler scheduler = scheduler(new KvPool(100), 100, 8);
        Sequence first = queued(scheduler, 1, 48);
        step(scheduler);
        Sequence again = queued(scheduler, 1, 48);
        assertEquals(32, again.heldTokens);
        Sequence longer = new Sequence(Specs.greedy("x", Specs.tokens(1, 49), 10), BLOCK);
        scheduler.reserve(longer);
        assertEquals(48, longer.heldTokens);
        assertEquals(first.blocks()[2], longer.blocks()[2]);
    }

    @Test
    void scoredRowsTakeTheLogitsThatOthersLeave() {
        Scheduler scheduler = scheduler(new KvPool(100), 100, 8);
        Sequence other = queued(scheduler, 1, 10);
        Sequence scoring =
                new Sequence(
                        Specs.spec(
                                "s",
                                Specs.tokens(2, 17),
                                SamplingParams.greedy(10).withPromptLogprobs(0)),
                        BLOCK);
        scheduler.reserve(scoring);
        scheduler.enqueue(scoring, true);
        assertEquals(
                List.of(new Span(other, 0, 10, true, 0), new Span(scoring, 0, 7, false, 7)),
                step(scheduler));
        assertEquals(
                List.of(new Span(other, 10, 1, true, 0), new Span(scoring, 7, 7, false, 7)),
                step(scheduler));
        // The last token samples and is followed by no token of the prompt.
        assertEquals(
                List.of(new Span(other, 11, 1, true, 0), new Span(scoring, 14, 3, true, 2)),
                step(scheduler));
        Sequence again = reserved(scheduler, 2, 17);
        assertEquals(16, again.heldTokens);
    }

    @Test
    void filledSequencesArePublishedAndGoOnWithTheirNextToken() {
        Scheduler scheduler = scheduler(new KvPool(100), 100, 8);
        Sequence received = reserved(scheduler, 1, 40);
        scheduler.enqueueFilled(received, received.known, 9);
        assertEquals(List.of(new Span(received, 40, 1, true, 0)), step(scheduler));
        assertEquals(32, reserved(scheduler, 1, 40).heldTokens);
    }

    @Test
    void theNewestIsPreemptedAndComesBackWithAllItsTokens() {
        KvPool pool = new KvPool(4);
        Scheduler scheduler = scheduler(pool, 100, 8);
        Sequence old = queued(scheduler, 1, 31);
        Sequence young = queued(scheduler, 2, 31);
        step(scheduler);
        step(scheduler);
        // Both need a third block now.
        List<Span> spans = step(scheduler);
        assertEquals(List.of(new Span(old, 32, 1, true, 0)), spans);
        assertEquals(Phase.WAITING, young.phase);
        assertEquals(0, young.blocks().length);
        assertEquals(1, scheduler.preemptions());
        assertEquals(33, young.size());
        // Nothing new may take the room that it waits for.
        assertEquals(ErrorCode.KV_POOL_EXHAUSTED, refusal(scheduler, 5));
        scheduler.release(old);
        step(scheduler);
        assertEquals(Phase.RUNNING, young.phase);
        assertTrue(young.computed > 0);
    }

    @Test
    void aSequenceThatOnlyPrefillsIsNeverPreempted() {
        KvPool pool = new KvPool(5);
        Scheduler scheduler = scheduler(pool, 40, 8);
        Sequence growing = queued(scheduler, 1, 31);
        step(scheduler);
        Sequence sent = reserved(scheduler, 2, 48);
        scheduler.enqueue(sent, false);
        int[] blocks = sent.blocks();
        for (int i = 0; i < 4; i++) {
            step(scheduler);
        }
        assertEquals(Phase.WAITING, growing.phase, "it gave way itself");
        org.junit.jupiter.api.Assertions.assertArrayEquals(blocks, sent.blocks());
        scheduler.release(sent);
        step(scheduler);
        assertEquals(Phase.RUNNING, growing.phase);
    }

    @Test
    void blocksOfACancelledSequenceAreFreedAfterItsStep() {
        KvPool pool = new KvPool(8);
        Scheduler scheduler = scheduler(pool, 100, 8);
        Sequence sequence = queued(scheduler, 1, 20);
        Plan plan = scheduler.plan();
        scheduler.release(sequence);
        assertEquals(2, pool.active(), "the step still writes there");
        scheduler.complete(plan, true);
        assertEquals(8, pool.available());
        scheduler.release(sequence);
        assertEquals(8, pool.available());
    }

    @Test
    void whatNeverFitsIsToldFromWhatDoesNotFitNow() {
        Scheduler scheduler = scheduler(new KvPool(4), 100, 8);
        assertEquals(ErrorCode.CONTEXT_LENGTH_EXCEEDED, refusal(scheduler, 64));
        reserved(scheduler, 1, 63);
        assertEquals(ErrorCode.KV_POOL_EXHAUSTED, refusal(scheduler, 1));
    }

    @Test
    void openReservationsAreBounded() {
        Scheduler scheduler = new Scheduler(new KvPool(9), new Limits(10, 2, 2, 100, 64, BLOCK));
        Sequence one = reserved(scheduler, 1, 1);
        reserved(scheduler, 2, 1);
        assertEquals(ErrorCode.OVERLOADED, refusal(scheduler, 1));
        scheduler.release(one);
        reserved(scheduler, 3, 1);
    }

    /**
     * Any mix of arrivals, priorities, tenants, guesses, parkings, cancels and failed steps: books
     * hold, all end, nothing stays held.
     */
    @ParameterizedTest
    @ValueSource(longs = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10})
    void randomLoadKeepsTheBooksAndEnds(long seed) {
        SplittableRandom random = new SplittableRandom(seed);
        KvPool pool = new KvPool(random.nextInt(12, 40));
        int stepTokens = random.nextInt(8, 100);
        Scheduler scheduler =
                scheduler(
                        pool,
                        stepTokens,
                        random.nextInt(1, 8),
                        new EngineOptions.Policy(
                                random.nextInt(16, 2000), 2.4, random.nextInt(5), 1),
                        random.nextBoolean());
        List<Sequence> open = new ArrayList<>();
        for (int i = 0; i < 2000; i++) {
            if (random.nextInt(3) == 0 && i < 1500) {
                randomArrival(random, scheduler, open, pool);
            }
            Plan plan = scheduler.plan();
            checkPlan(plan, stepTokens, pool);
            if (random.nextInt(10) == 0 && !plan.leaving().isEmpty()) {
                Sequence victim = plan.leaving().getFirst().sequence();
                scheduler.release(victim);
                open.remove(victim);
                assertTrue(victim.blocks().length > 0, "they are being copied");
            }
            moveBlocks(random, scheduler, plan);
            if (random.nextInt(10) == 0 && !open.isEmpty()) {
                scheduler.release(open.remove(random.nextInt(open.size())));
            }
            scheduler.complete(plan, random.nextInt(20) != 0);
            scheduler.took(plan, random.nextInt(1, 1_000_000));
            pool.checkDeep();
            for (Span span : plan.spans()) {
                Sequence sequence = span.sequence();
                if (sequence.phase != Phase.RUNNING || sequence.computed < sequence.size()) {
                    continue;
                }
                for (int right = random.nextInt(span.drafted() + 1); right > 0; right--) {
                    scheduler.append(sequence, sequence.tokenArray()[sequence.size()], true);
                }
                scheduler.append(sequence, random.nextInt(10, 14), false);
                assertEquals(1, sequence.remaining());
                if (!sequence.generates || scheduler.isFull(sequence) || random.nextInt(30) == 0) {
                    scheduler.release(sequence);
                    open.remove(sequence);
                }
            }
        }
        for (int i = 0; i < 20000 && !open.isEmpty(); i++) {
            for (Span span : step(scheduler)) {
                if (span.samples()
                        && (!span.sequence().generates || span.sequence().generated() > 20)) {
                    scheduler.release(span.sequence());
                    open.remove(span.sequence());
                }
            }
        }
        assertEquals(List.of(), open, "all end once nothing new comes");
        assertEquals(pool.blocks(), pool.available());
    }

    private static void moveBlocks(SplittableRandom random, Scheduler scheduler, Plan plan) {
        for (Scheduler.Leaving leaving : plan.leaving()) {
            assertEquals(leaving.keys().size(), leaving.sequence().publishedBlocks);
            scheduler.parked(leaving.sequence());
        }
        for (Scheduler.Returning returning : plan.returning()) {
            int missing = returning.keys().size() - returning.from();
            assertTrue(missing > 0);
            scheduler.restored(returning, random.nextInt(missing + 1));
        }
    }

    private static void randomArrival(
            SplittableRandom random, Scheduler scheduler, List<Sequence> open, KvPool pool) {
        int tokens = random.nextInt(1, pool.blocks() * BLOCK / 2);
        // Few seeds, so that prefixes are shared.
        Sequence sequence =
                new Sequence(
                        Specs.withTerms(
                                Specs.greedy("r", Specs.tokens(random.nextInt(4), tokens), 1000),
                                new ServiceTerms(
                                        "t" + random.nextInt(3),
                                        random.nextInt(1, 4),
                                        random.nextInt(3),
                                        true)),
                        BLOCK);
        try {
            scheduler.reserve(sequence);
        } catch (BatonException e) {
            assertEquals(ErrorCode.KV_POOL_EXHAUSTED, e.code());
            return;
        }
        open.add(sequence);
        switch (random.nextInt(3)) {
            case 0 -> scheduler.enqueue(sequence, true);
            case 1 -> scheduler.enqueue(sequence, false);
            default -> scheduler.enqueueFilled(sequence, sequence.known, 7);
        }
    }

    private static void checkPlan(Plan plan, int stepTokens, KvPool pool) {
        int rows = 0;
        Set<Sequence> seen = new HashSet<>();
        for (Span span : plan.spans()) {
            rows += span.rows();
            assertTrue(seen.add(span.sequence()), "one span per sequence");
            assertTrue(span.sequence().blocks().length * BLOCK >= span.to());
            assertEquals(span.sequence().computed, span.from());
            assertTrue((span.from() / 64) == ((span.certain() - 1) / 64), "within one chunk");
        }
        assertTrue(rows <= stepTokens);
        Set<Integer> fresh = new HashSet<>();
        for (int block : plan.newBlocks()) {
            assertTrue(block >= 0 && block < pool.blocks() && fresh.add(block));
        }
    }
}
