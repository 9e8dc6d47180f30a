package io.baton.router.route;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.baton.router.route.Decision.Routed;
import io.baton.router.route.Decision.Unroutable;
import io.baton.router.route.WorkerView.Load;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.Test;

class LeastWorkTest {
    private static final RouteConfig CONFIG = new RouteConfig(64, 8, 1, 1000, 0.02);
    private static final Load IDLE = new Load(16, 0, 0, 0, 1000, 1000, 0.02);
    private static final LeastWork POLICY = new LeastWork();

    private static WorkerView worker(String id, WorkerRole role, Load load) {
        return new WorkerView(id, 1, role, "kv", "exact", 16, "", load);
    }

    private static WorkerView decoder(String id) {
        return worker(id, WorkerRole.DECODER, IDLE);
    }

    private static WorkerView prefiller(String id) {
        return worker(id, WorkerRole.PREFILLER, IDLE);
    }

    private static Load queued(long tokens) {
        return new Load(16, 0, 0, tokens, 1000, 1000, 0.02);
    }

    private static Load running(int sequences) {
        return new Load(16, sequences, 0, 0, 1000, 1000, 0.02);
    }

    private static RequestFeatures request(int tokens) {
        return new RequestFeatures("r", tokens, 64, Map.of(), false, Set.of());
    }

    private static Routed routed(RequestFeatures request, WorkerView... workers) {
        return assertInstanceOf(
                Routed.class,
                POLICY.decide(request, new ClusterSnapshot(List.of(workers)), CONFIG));
    }

    private static String prefillerOf(Routed routed) {
        return routed.prefiller().map(WorkerView::id).orElse("local");
    }

    @Test
    void aLongPromptGoesThroughAPrefiller() {
        Routed routed = routed(request(500), decoder("d"), prefiller("p"));
        assertEquals("d", routed.decoder().id());
        assertEquals("p", prefillerOf(routed));
        assertEquals(2, routed.candidates().size());
    }

    @Test
    void aShortOneIsPrefilledLocally() {
        assertEquals("local", prefillerOf(routed(request(64), decoder("d"), prefiller("p"))));
        assertEquals("p", prefillerOf(routed(request(65), decoder("d"), prefiller("p"))));
    }

    @Test
    void aHeldPrefixMakesItShort() {
        RequestFeatures held = new RequestFeatures("r", 500, 64, Map.of("d", 448), false, Set.of());
        assertEquals("local", prefillerOf(routed(held, decoder("d"), prefiller("p"))));
    }

    @Test
    void noLocalPrefillOnABusyDecoderWhileThereIsAPrefiller() {
        WorkerView busy = worker("d", WorkerRole.DECODER, running(9));
        assertEquals("p", prefillerOf(routed(request(10), busy, prefiller("p"))));
        assertEquals("local", prefillerOf(routed(request(10), busy)));
    }

    @Test
    void aLongPrefillQueueIsAvoided() {
        WorkerView full = worker("p", WorkerRole.PREFILLER, queued(501));
        assertEquals("local", prefillerOf(routed(request(500), decoder("d"), full)));
        WorkerView shorter = worker("p", WorkerRole.PREFILLER, queued(500));
        assertEquals("p", prefillerOf(routed(request(500), decoder("d"), shorter)));
    }

    @Test
    void aColocatedWorkerPrefillsItself() {
        WorkerView colocated = worker("c", WorkerRole.COLOCATED, IDLE);
        assertEquals("local", prefillerOf(routed(request(500), colocated, prefiller("p"))));
    }

    @Test
    void unlikeFormsOfKvAreNotPaired() {
        WorkerView other =
                new WorkerView("p", 1, WorkerRole.PREFILLER, "other", "exact", 16, "", IDLE);
        Routed routed = routed(request(500), decoder("d"), other);
        assertEquals("local", prefillerOf(routed));
        assertTrue(routed.reason().contains("no prefiller"));
    }

    @Test
    void theLeastLoadedDecoderIsTaken() {
        WorkerView busy = worker("a", WorkerRole.DECODER, running(8));
        assertEquals("b", routed(request(10), busy, decoder("b")).decoder().id());
        WorkerView queue = worker("a", WorkerRole.DECODER, queued(5000));
        assertEquals("b", routed(request(10), queue, decoder("b")).decoder().id());
        WorkerView noRoom = worker("a", WorkerRole.DECODER, new Load(16, 0, 0, 0, 1, 1000, 0.02));
        assertEquals("b", routed(request(500), noRoom, decoder("b")).decoder().id());
        WorkerView slow = worker("a", WorkerRole.DECODER, new Load(16, 0, 0, 0, 1000, 1000, 0.2));
        assertEquals("b", routed(request(10), slow, decoder("b")).decoder().id());
    }

    @Test
    void aPromptThatIsReportedIsComputedByTheDecoder() {
        RequestFeatures reported = new RequestFeatures("r", 5000, 64, Map.of(), true, Set.of());
        Routed routed = routed(reported, decoder("d"), prefiller("p"));
        assertEquals("local", prefillerOf(routed));
        assertTrue(routed.reason().contains("log probabilities"), routed.reason());
    }

    @Test
    void aHeldPrefixDrawsUntilTheWorkerIsOverloaded() {
        RequestFeatures held = new RequestFeatures("r", 500, 64, Map.of("b", 480), false, Set.of());
        assertEquals("b", routed(held, decoder("a"), decoder("b")).decoder().id());
        WorkerView overloaded =
                worker("b", WorkerRole.DECODER, new Load(16, 16, 40, 9000, 1000, 1000, 0.02));
        assertEquals("a", routed(held, decoder("a"), overloaded).decoder().id());
    }

    @Test
    void excludedWorkersAreNotTakenAndSayWhy() {
        WorkerView draining =
                new WorkerView("a", 1, WorkerRole.DECODER, "kv", "exact", 16, "draining", IDLE);
        RequestFeatures failed = new RequestFeatures("r", 10, 64, Map.of(), false, Set.of("b"));
        Unroutable none =
                assertInstanceOf(
                        Unroutable.class,
                        POLICY.decide(
                                failed,
                                new ClusterSnapshot(List.of(draining, decoder("b"))),
                                CONFIG));
        assertEquals("draining", none.candidates().get(0).detail());
        assertEquals("failed this request before", none.candidates().get(1).detail());
        assertInstanceOf(
                Unroutable.class,
                POLICY.decide(request(10), new ClusterSnapshot(List.of(prefiller("p"))), CONFIG));
    }

    @Test
    void equalWorkersShareEvenlyAndRepeatably() {
        Map<String, Integer> taken = new HashMap<>();
        for (int i = 0; i < 1000; i++) {
            RequestFeatures request =
                    new RequestFeatures("request-" + i, 10, 64, Map.of(), false, Set.of());
            String first = routed(request, decoder("a"), decoder("b")).decoder().id();
            assertEquals(first, routed(request, decoder("b"), decoder("a")).decoder().id());
            taken.merge(first, 1, Integer::sum);
        }
        assertTrue(taken.values().stream().allMatch(n -> n > 400), taken.toString());
        assertEquals(2, taken.size());
    }

    @Test
    void aPrefillerIsChosenAnewForAGivenDecoder() {
        RequestFeatures failed = new RequestFeatures("r", 500, 64, Map.of(), false, Set.of("p1"));
        ClusterSnapshot cluster =
                new ClusterSnapshot(List.of(decoder("d"), prefiller("p1"), prefiller("p2")));
        assertEquals(
                "p2", prefillerOf(POLICY.decidePrefill(failed, decoder("d"), cluster, CONFIG)));
    }
}
