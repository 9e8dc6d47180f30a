package io.baton.router.dispatch;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.protobuf.ByteString;
import io.baton.common.error.BatonException;
import io.baton.common.error.ErrorCode;
import io.baton.common.generation.SamplingParams;
import io.baton.common.generation.ServiceTerms;
import io.baton.common.proto.Finished;
import io.baton.common.proto.PromptTokens;
import io.baton.common.proto.Token;
import io.baton.common.testkit.ManualTicker;
import io.baton.router.fake.FakeModel;
import io.baton.router.route.ClusterSnapshot;
import io.baton.router.route.Decision;
import io.baton.router.route.LeastWork;
import io.baton.router.route.RequestFeatures;
import io.baton.router.route.RouteConfig;
import io.baton.router.route.WorkerRole;
import io.baton.router.route.WorkerView;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** One machine between fakes, on a clock that only the test moves: what its tests share. */
abstract class SequenceMachineTests {
    static final RouteConfig CONFIG = new RouteConfig(0, 8, 1, 1000, 0.02);
    static final int[] PROMPT = {1, 2, 3, 4, 5, 6, 7, 8};
    static final int MAX_TOKENS = 4;
    static final Duration SILENCE = Duration.ofSeconds(2);

    final ManualTicker ticker = new ManualTicker();
    final FakeLegs legs = new FakeLegs();
    final List<WorkerView> workers = new ArrayList<>();
    final List<String> heard = new ArrayList<>();
    final List<String> stalls = new ArrayList<>();
    RetryBudget budget = new RetryBudget(0.2, 10, 10);
    @Nullable BatonException sinkFails;

    final Routing routing =
            new Routing() {
                private final LeastWork policy = new LeastWork();

                @Override
                public Decision decide(RequestFeatures features) {
                    return policy.decide(features, new ClusterSnapshot(workers), CONFIG);
                }

                @Override
                public Decision.Routed decidePrefill(RequestFeatures features, WorkerView decoder) {
                    return policy.decidePrefill(
                            features, decoder, new ClusterSnapshot(workers), CONFIG);
                }

                @Override
                public Map<String, Integer> held() {
                    return Map.of();
                }

                @Override
                public void placed(WorkerView worker) {}
            };

    final SequenceSink sink =
            new SequenceSink() {
                @Override
                public void prompt(int choice, PromptTokens tokens) {
                    heard.add("prompt of " + tokens.getTokensCount());
                }

                @Override
                public void token(int choice, Token token) {
                    if (sinkFails != null) {
                        throw sinkFails;
                    }
                    heard.add(token.getIndex() + ":" + token.getId());
                }

                @Override
                public void finished(int choice, Finished finished) {
                    heard.add(finished.getReason() + finished.getText());
                }
            };

    final SequenceMachine.Counters counters =
            new SequenceMachine.Counters() {
                @Override
                public void decided(boolean local) {}

                @Override
                public void retried(String leg, ErrorCode why) {}

                @Override
                public void stalled(String leg) {
                    stalls.add(leg);
                }
            };

    WorkerView add(String id, WorkerRole role) {
        WorkerView view =
                new WorkerView(
                        id,
                        1,
                        role,
                        "kv",
                        "exact",
                        16,
                        "",
                        new WorkerView.Load(16, 0, 0, 0, 1000, 1000, 0.02));
        workers.add(view);
        return view;
    }

    void lose(String id) {
        workers.removeIf(worker -> worker.id().equals(id));
    }

    SequenceMachine machine() {
        return machine(SamplingParams.greedy(MAX_TOKENS));
    }

    SequenceMachine machine(SamplingParams sampling) {
        SequenceMachine machine =
                new SequenceMachine(
                        new SequenceRequest(
                                "r",
                                0,
                                PROMPT,
                                sampling,
                                new SequenceRequest.Context(
                                        "fp", ByteString.EMPTY, false, "", ServiceTerms.USUAL),
                                List.of(),
                                ticker.nanos() + Duration.ofSeconds(60).toNanos()),
                        new SequenceMachine.Ports(
                                legs, routing, sink, event -> {}, ticker, counters),
                        new SequenceMachine.Bounds(
                                3, Duration.ofSeconds(1).toNanos(), SILENCE.toNanos(), 0, budget),
                        new Emitted(FakeModel.INSTANCE.tokenizer()));
        machine.start();
        return machine;
    }

    SequenceMachine remote() {
        add("d", WorkerRole.DECODER);
        add("p", WorkerRole.PREFILLER);
        return machine();
    }

    FakeLegs.Decode decode() {
        return legs.decodes.getLast();
    }

    FakeLegs.Prefill prefill() {
        return legs.prefills.getLast();
    }

    static void assertFailed(ErrorCode code, SequenceMachine machine) {
        assertTrue(machine.isOver());
        assertEquals(code, machine.error() == null ? null : machine.error().code());
    }
}
