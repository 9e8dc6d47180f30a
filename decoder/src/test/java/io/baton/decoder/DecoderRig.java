package io.baton.decoder;

import io.baton.common.generation.SamplingParams;
import io.baton.common.generation.TokenOutput;
import io.baton.common.kv.KeyChain;
import io.baton.common.kv.KvCoding;
import io.baton.common.proto.DecodeEvent;
import io.baton.common.proto.GenerationSpec;
import io.baton.common.proto.Sampling;
import io.baton.common.testkit.AsciiTokenizer;
import io.baton.common.testkit.VirtualTime;
import io.baton.common.worker.ClusterToken;
import io.baton.common.worker.DecayedRatio;
import io.baton.common.worker.GenerationRequest;
import io.baton.common.worker.Outlet;
import io.baton.common.worker.ProtoKv;
import io.baton.common.worker.ProtoSampling;
import io.baton.common.worker.WorkerMeters;
import io.baton.common.worker.WorkerOptions;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.TimeUnit;

/** An attempt between fakes, on the test's thread and a virtual clock. */
final class DecoderRig implements Outlet<DecodeEvent> {
    static final long INCARNATION = 42;
    static final String PROMPT = "a prompt of some forty characters, no less";
    static final long LEASE_NANOS = TimeUnit.SECONDS.toNanos(10);

    final FakeEngine engine;
    final FakeReceiver receiver = new FakeReceiver();
    final VirtualTime time = new VirtualTime();
    final SimpleMeterRegistry registry = new SimpleMeterRegistry();
    final List<DecodeEvent> events = new ArrayList<>();
    final DecodePorts ports;
    int completions;

    DecoderRig(String answer) {
        engine = new FakeEngine(16, answer);
        WorkerOptions options =
                new WorkerOptions(
                        "decoder-1",
                        WorkerOptions.Listen.loopback(),
                        new WorkerOptions.Membership(List.of(), ClusterToken.none()),
                        new WorkerOptions.Serving(
                                "m",
                                List.of(),
                                256,
                                32,
                                "exact",
                                WorkerOptions.Coding.of(KvCoding.RAW)),
                        WorkerOptions.Limits.usual());
        ports =
                new DecodePorts(
                        new DecodePorts.Machines(engine, receiver, new AsciiTokenizer()),
                        new DecodePorts.Identity(
                                options,
                                INCARNATION,
                                "f",
                                ProtoKv.toProto(
                                        FakeEngine.LAYOUT,
                                        32,
                                        "fake:0:1",
                                        "exact",
                                        List.of("raw"))),
                        new DecodePorts.Surroundings(
                                time,
                                time,
                                new Random(5),
                                new WorkerMeters(registry, "decoder", "decoder-1"),
                                new DecayedRatio(0.9),
                                new DecayedRatio(0.9)));
    }

    static GenerationRequest.Limits limits() {
        return new GenerationRequest.Limits(
                "f", AsciiTokenizer.VOCAB, 256, TimeUnit.HOURS.toNanos(1));
    }

    static GenerationSpec.Builder spec(int maxTokens, String... stops) {
        Sampling.Builder sampling =
                ProtoSampling.toProto(SamplingParams.greedy(maxTokens)).toBuilder();
        GenerationSpec.Builder spec =
                GenerationSpec.newBuilder()
                        .setRequestId("req-1")
                        .setEpoch(1)
                        .setModelFingerprint("f")
                        .setDeadlineMillis(60_000)
                        .setSampling(sampling.addAllStop(List.of(stops)));
        for (int token : AsciiTokenizer.ids(PROMPT)) {
            spec.addPrompt(token);
        }
        return spec;
    }

    static KeyChain keys() {
        return KeyChain.of(
                new KeyChain.Root("f", FakeEngine.LAYOUT, "exact", "fake:0:1", new byte[0]));
    }

    DecodeAttempt attempt() {
        return attempt(spec(8));
    }

    DecodeAttempt attempt(GenerationSpec.Builder spec) {
        return new DecodeAttempt(
                ports,
                GenerationRequest.fromProto(spec.build(), limits()),
                keys(),
                Runnable::run,
                this);
    }

    static byte[] trailer(int index, int token) {
        return ProtoSampling.toProto(new TokenOutput(index, token, -0.5f, List.of(), null), "")
                .toByteArray();
    }

    @Override
    public void send(DecodeEvent event) {
        events.add(event);
    }

    @Override
    public void complete() {
        completions++;
    }

    DecodeEvent last() {
        return events.get(events.size() - 1);
    }

    String text() {
        StringBuilder text = new StringBuilder();
        for (DecodeEvent event : events) {
            text.append(event.getToken().getText()).append(event.getFinished().getText());
        }
        return text.toString();
    }

    /** Nothing is held: blocks, leases, attempts, timers. */
    boolean isClean() {
        return engine.stats().freeBlocks() == engine.stats().poolBlocks()
                && receiver.transfers.stream().allMatch(transfer -> transfer.closed)
                && registry.get("baton.leases").gauge().value() == 0
                && registry.get("baton.attempts").gauge().value() == 0
                && time.pending() == 0;
    }
}
