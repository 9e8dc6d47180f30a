package io.baton.decoder;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.baton.common.proto.DecodeCommand;
import io.baton.common.proto.DecodeEvent;
import io.baton.common.proto.DecodeGrpc;
import io.baton.common.proto.DecodeStart;
import io.baton.common.proto.GenerationSpec;
import io.baton.common.proto.Reticket;
import io.baton.common.worker.ClusterToken;
import io.baton.common.worker.ControlPlane;
import io.grpc.Context;
import io.grpc.ManagedChannel;
import io.grpc.Server;
import io.grpc.stub.StreamObserver;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** The service over real gRPC, with engine and receiver played by the test. */
@Timeout(60)
class DecodeServiceTest {
    private final DecoderRig rig = new DecoderRig("answered.");
    private final ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor();
    private DecodeService service;
    private Server server;
    private ManagedChannel channel;

    @BeforeEach
    void open() {
        service = new DecodeService(rig.ports, DecoderRig.limits(), threads);
        server =
                ControlPlane.listen(
                        "127.0.0.1", 0, ClusterToken.none(), List.of(service.bindService()));
        channel = ControlPlane.connect("127.0.0.1:" + server.getPort(), ClusterToken.none());
    }

    @AfterEach
    void close() {
        channel.shutdownNow();
        server.shutdownNow();
        threads.close();
    }

    /** One call; an empty event is the end of the stream. */
    private final class Stream implements StreamObserver<DecodeEvent> {
        final BlockingQueue<Optional<DecodeEvent>> events = new LinkedBlockingQueue<>();
        final Context.CancellableContext context = Context.current().withCancellation();
        final StreamObserver<DecodeCommand> commands;

        Stream() throws Exception {
            commands = context.call(() -> DecodeGrpc.newStub(channel).generate(this));
        }

        Stream start(GenerationSpec.Builder spec) {
            commands.onNext(
                    DecodeCommand.newBuilder()
                            .setStart(
                                    DecodeStart.newBuilder()
                                            .setSpec(spec)
                                            .setDecoderIncarnation(DecoderRig.INCARNATION))
                            .build());
            return this;
        }

        Optional<DecodeEvent> next() throws InterruptedException {
            Optional<DecodeEvent> event = events.poll(20, TimeUnit.SECONDS);
            assertNotNull(event, "nothing was said within 20 s");
            return event;
        }

        DecodeEvent event() throws InterruptedException {
            return next().orElseThrow();
        }

        void assertRefused(String code) throws InterruptedException {
            assertEquals(code, event().getFailure().getCode());
            assertTrue(next().isEmpty(), "the stream ends");
        }

        @Override
        public void onNext(DecodeEvent event) {
            events.add(Optional.of(event));
        }

        @Override
        public void onError(Throwable error) {
            events.add(Optional.empty());
        }

        @Override
        public void onCompleted() {
            events.add(Optional.empty());
        }
    }

    private void assertFreed() {
        assertTrue(service.live().awaitEmpty(TimeUnit.SECONDS.toNanos(20)));
        assertTrue(rig.isClean());
    }

    @Test
    void anAnswerIsStreamed() throws Exception {
        Stream stream = new Stream().start(DecoderRig.spec(3));
        assertTrue(stream.event().hasTicket());
        rig.receiver.last().complete(DecoderRig.trailer(0, 'a'));
        assertTrue(stream.event().hasTransferDone());
        // The router may say early that it has nothing more to say.
        stream.commands.onCompleted();
        while (rig.engine.stats().running() == 0) {
            Thread.onSpinWait();
        }
        rig.engine.runToEnd();
        StringBuilder text = new StringBuilder();
        DecodeEvent event = stream.event();
        for (; event.hasToken(); event = stream.event()) {
            text.append(event.getToken().getText());
        }
        assertEquals("ans", text.toString());
        assertEquals("length", event.getFinished().getReason());
        assertTrue(stream.next().isEmpty());
        assertFreed();
    }

    @Test
    void aCallWithoutACommandEnds() throws Exception {
        Stream stream = new Stream();
        while (rig.time.pending() == 0) {
            Thread.onSpinWait();
        }
        rig.time.advance(TimeUnit.SECONDS.toNanos(5));
        stream.assertRefused("request_timeout");
        assertFreed();
    }

    @Test
    void theFirstCommandMustBeStart() throws Exception {
        Stream stream = new Stream();
        stream.commands.onNext(
                DecodeCommand.newBuilder().setReticket(Reticket.newBuilder().setEpoch(2)).build());
        stream.assertRefused("invalid_request");
        Stream empty = new Stream();
        empty.commands.onNext(DecodeCommand.getDefaultInstance());
        empty.assertRefused("invalid_request");
        assertFreed();
    }

    @Test
    void aNewerAttemptEndsTheOlderOne() throws Exception {
        Stream older = new Stream().start(DecoderRig.spec(3));
        assertTrue(older.event().hasTicket());
        Stream newer = new Stream().start(DecoderRig.spec(3).setEpoch(2));
        assertEquals(2, newer.event().getTicket().getEpoch());
        older.assertRefused("stale_epoch");
        new Stream().start(DecoderRig.spec(3)).assertRefused("stale_epoch");
        newer.context.cancel(null);
        assertFreed();
    }

    @Test
    void anEpochRaisedByAReticketIsRemembered() throws Exception {
        Stream stream = new Stream().start(DecoderRig.spec(3));
        assertTrue(stream.event().hasTicket());
        stream.commands.onNext(
                DecodeCommand.newBuilder().setReticket(Reticket.newBuilder().setEpoch(4)).build());
        assertEquals(4, stream.event().getTicket().getEpoch());
        new Stream().start(DecoderRig.spec(3).setEpoch(4)).assertRefused("stale_epoch");
        stream.context.cancel(null);
        assertFreed();
    }

    @Test
    void aRouterThatLeavesFreesEverything() throws Exception {
        Stream stream = new Stream().start(DecoderRig.spec(3));
        assertTrue(stream.event().hasTicket());
        stream.context.cancel(null);
        assertFreed();
    }

    @Test
    void signsOfLifeComeWhileTheCallIsOpenAndTellOfTheEngine() throws Exception {
        Stream stream = new Stream().start(DecoderRig.spec(3).setAliveMillis(500));
        assertTrue(stream.event().hasTicket());
        rig.time.advance(TimeUnit.MILLISECONDS.toNanos(500));
        DecodeEvent waiting = stream.event();
        assertEquals(1, waiting.getEpoch());
        assertFalse(waiting.getAlive().getOnEngine(), "the prompt is computed elsewhere");
        rig.receiver.last().complete(DecoderRig.trailer(0, 'a'));
        assertTrue(stream.event().hasTransferDone());
        rig.time.advance(TimeUnit.MILLISECONDS.toNanos(500));
        DecodeEvent decoding = stream.event();
        assertTrue(decoding.getAlive().getOnEngine());
        assertEquals(rig.engine.stats().steps(), decoding.getAlive().getSteps());
        assertEquals(30_000, decoding.getAlive().getStepLimitMillis());
        stream.context.cancel(null);
        assertFreed();
    }

    @Test
    void logProbabilitiesOfAPromptComputedElsewhereAreRefused() throws Exception {
        GenerationSpec.Builder spec = DecoderRig.spec(3);
        spec.setSampling(spec.getSampling().toBuilder().setPromptLogprobs(1));
        new Stream().start(spec).assertRefused("invalid_request");
        assertFreed();
    }

    @Test
    void aDrainingDecoderRefuses() throws Exception {
        service.live().drain();
        new Stream().start(DecoderRig.spec(3)).assertRefused("draining");
        assertFreed();
    }
}
