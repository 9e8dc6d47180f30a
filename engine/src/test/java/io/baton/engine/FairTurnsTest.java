package io.baton.engine;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.baton.common.generation.ServiceTerms;
import io.baton.engine.Scheduler.Limits;
import io.baton.engine.Scheduler.Plan;
import io.baton.engine.Scheduler.Span;
import io.baton.engine.Sequence.Phase;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** Whose turn it is: priorities, their patience, and tenants' shares. */
class FairTurnsTest {
    private static final int BLOCK = 16;
    private static final int PATIENCE = 1000;

    private int seed;

    private static Scheduler scheduler(int blocks, int stepTokens, int sequences) {
        return new Scheduler(
                new KvPool(blocks),
                new Limits(stepTokens, sequences, 500, blocks * BLOCK, 256, BLOCK),
                new EngineOptions.Policy(PATIENCE, 1000, 0, 1),
                false);
    }

    private Sequence queued(Scheduler scheduler, int tokens, ServiceTerms terms) {
        Sequence sequence =
                new Sequence(
                        Specs.withTerms(
                                Specs.greedy(
                                        terms.tenant() + seed, Specs.tokens(++seed, tokens), 1000),
                                terms),
                        BLOCK);
        scheduler.reserve(sequence);
        scheduler.enqueue(sequence, true);
        return sequence;
    }

    private static ServiceTerms tenant(String name, int weight) {
        return new ServiceTerms(name, weight, 0, true);
    }

    private static ServiceTerms priority(int priority) {
        return new ServiceTerms("", 1, priority, true);
    }

    /** A step after which whoever has its first token is done. */
    private static List<Sequence> step(Scheduler scheduler) {
        Plan plan = scheduler.plan();
        scheduler.complete(plan, true);
        List<Sequence> done = new ArrayList<>();
        for (Span span : plan.spans()) {
            if (span.samples()) {
                done.add(span.sequence());
                scheduler.release(span.sequence());
            }
        }
        return done;
    }

    @Test
    void theLowerNumberGoesFirstForPlacesAndForRows() {
        Scheduler scheduler = scheduler(100, 32, 2);
        Sequence usual = queued(scheduler, 40, priority(0));
        Sequence late = queued(scheduler, 40, priority(7));
        Sequence urgent = queued(scheduler, 40, priority(-3));
        List<Span> spans = scheduler.plan().spans();
        assertEquals(List.of(new Span(urgent, 0, 32, false, 0)), spans);
        assertEquals(Phase.RUNNING, usual.phase);
        assertEquals(Phase.WAITING, late.phase);
    }

    @Test
    void theLeastUrgentIsPreemptedHoweverOldItIs() {
        KvPool pool = new KvPool(4);
        Scheduler scheduler =
                new Scheduler(
                        pool,
                        new Limits(100, 8, 100, 64, 64, BLOCK),
                        EngineOptions.Policy.usual(),
                        false);
        Sequence old = queued(scheduler, 32, priority(1));
        Sequence young = queued(scheduler, 31, priority(0));
        for (int i = 0; i < 2; i++) {
            Plan plan = scheduler.plan();
            scheduler.complete(plan, true);
            for (Span span : plan.spans()) {
                scheduler.append(span.sequence(), 5, false);
            }
        }
        assertEquals(Phase.WAITING, old.phase);
        assertEquals(Phase.RUNNING, young.phase);
        assertEquals(1, scheduler.preemptions());
    }

    /** While urgent prompts come without end, one that waits is served within its patience. */
    @Test
    void aPriorityIsPassedOverForItsPatienceAlone() {
        Scheduler scheduler = scheduler(200, 50, 2);
        Sequence late = queued(scheduler, 100, priority(9));
        Sequence later = queued(scheduler, 100, priority(9));
        long computed = 0;
        long lateAt = 0;
        while (later.phase != Phase.RELEASED) {
            while (scheduler.waiting() < 4) {
                queued(scheduler, 100, priority(0));
            }
            List<Sequence> done = step(scheduler);
            computed += 50;
            lateAt = done.contains(late) ? computed : lateAt;
            assertTrue(computed < 5 * PATIENCE, "starved");
        }
        assertTrue(lateAt >= PATIENCE && lateAt <= PATIENCE + 300, "first after " + lateAt);
        assertTrue(computed >= 2 * PATIENCE && computed <= 2 * PATIENCE + 600, "" + computed);
    }

    /** Also where it has a place and lacks rows. */
    @Test
    void aPlaceWithoutRowsIsNotForEver() {
        Scheduler scheduler = scheduler(400, 50, 8);
        Sequence late = queued(scheduler, 300, priority(9));
        step(scheduler);
        assertEquals(Phase.RUNNING, late.phase);
        long computed = 0;
        while (late.phase != Phase.RELEASED) {
            while (scheduler.waiting() + scheduler.running() < 8) {
                queued(scheduler, 200, priority(0));
            }
            step(scheduler);
            computed += 50;
            assertTrue(computed < 3 * PATIENCE, "starved");
        }
    }

    @Test
    void aTenantWithOnePromptDoesNotWaitForAHundredOfAnother() {
        Scheduler scheduler = scheduler(1500, 64, 4);
        for (int i = 0; i < 100; i++) {
            queued(scheduler, 128, tenant("many", 1));
        }
        for (int i = 0; i < 4; i++) {
            step(scheduler);
        }
        Sequence one = queued(scheduler, 128, tenant("one", 1));
        int steps = 0;
        while (one.phase != Phase.RELEASED) {
            step(scheduler);
            steps++;
        }
        // Two steps of its own, two to the next free place, and a fair half meanwhile.
        assertTrue(steps <= 6, "after " + steps + " steps");
    }

    @Test
    void tenantsShareByWeight() {
        Scheduler scheduler = scheduler(3000, 64, 8);
        for (int i = 0; i < 100; i++) {
            queued(scheduler, 64, tenant("light", 1));
            queued(scheduler, 64, tenant("heavy", 3));
            queued(scheduler, 64, tenant("second", 1));
        }
        Map<String, Integer> rows = new HashMap<>();
        for (int i = 0; i < 100; i++) {
            Plan plan = scheduler.plan();
            scheduler.complete(plan, true);
            for (Span span : plan.spans()) {
                rows.merge(span.sequence().terms().tenant(), span.rows(), Integer::sum);
                if (span.samples()) {
                    scheduler.release(span.sequence());
                }
            }
        }
        double total = rows.values().stream().mapToInt(Integer::intValue).sum();
        assertEquals(0.6, rows.getOrDefault("heavy", 0) / total, 0.05, rows.toString());
        assertEquals(0.2, rows.getOrDefault("light", 0) / total, 0.05, rows.toString());
    }

    /** Being away earns nothing: no burst of all that was not used. */
    @Test
    void whoWasAwayComesBackToAnEqualShare() {
        Scheduler scheduler = scheduler(3000, 64, 4);
        queued(scheduler, 64, tenant("away", 1));
        step(scheduler);
        for (int i = 0; i < 60; i++) {
            queued(scheduler, 64, tenant("busy", 1));
        }
        for (int i = 0; i < 30; i++) {
            step(scheduler);
        }
        for (int i = 0; i < 20; i++) {
            queued(scheduler, 64, tenant("away", 1));
        }
        int busy = 0;
        for (int i = 0; i < 20; i++) {
            for (Sequence done : step(scheduler)) {
                busy += done.terms().tenant().equals("busy") ? 1 : 0;
            }
        }
        assertTrue(busy >= 8 && busy <= 12, busy + " of 20");
    }

    @Test
    void tenantsWithoutEndAreForgotten() {
        TenantShares shares = new TenantShares();
        for (int i = 0; i < 20_000; i++) {
            ServiceTerms terms = tenant("t" + i, 1);
            shares.join(terms);
            shares.begin();
            shares.charge(terms, 10 + i % 7);
            shares.leave(terms);
        }
        assertTrue(shares.size() <= 4097, "" + shares.size());
    }
}
