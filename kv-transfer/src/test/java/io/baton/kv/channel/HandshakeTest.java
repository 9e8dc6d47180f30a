package io.baton.kv.channel;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.baton.common.error.BatonException;
import io.baton.common.error.ErrorCode;
import io.baton.common.time.Ticker;
import io.baton.common.worker.ClusterToken;
import io.baton.kv.channel.Handshake.Step;
import io.baton.kv.codec.RawCodec;
import io.baton.kv.frame.FrameType;
import io.baton.kv.testkit.Golden;
import io.baton.kv.testkit.Kv;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import java.util.random.RandomGenerator;
import org.junit.jupiter.api.Test;

/** The handshake as a state machine. */
final class HandshakeTest {
    private static final String TOKEN = "a-token-for-tests";
    private static final String OTHER_TOKEN = "another-token-for-tests";

    private static ChannelOptions options(Hello hello, String token, int seed) {
        return new ChannelOptions(
                hello,
                ClusterToken.of(token),
                List.of(new RawCodec()),
                ChannelOptions.Bounds.DEFAULT,
                Ticker.system(),
                new SplittableRandom(seed),
                null);
    }

    private static ChannelOptions sender(String token) {
        return options(Kv.hello("prefiller", 5, Kv.SMALL), token, 1);
    }

    private static ChannelOptions receiver(String token) {
        return options(Kv.hello("decoder", 77, Kv.SMALL), token, 2);
    }

    /** Runs both ends; the receiver's last step, or the sender's where the receiver agreed. */
    private static Step run(ChannelOptions from, ChannelOptions to) {
        Handshake.Sender sender = new Handshake.Sender(from);
        Handshake.Receiver receiver = new Handshake.Receiver(to);
        Step.Reply challenge =
                assertInstanceOf(
                        Step.Reply.class, receiver.onFrame(FrameType.HELLO, sender.hello()));
        assertEquals(FrameType.CHALLENGE, challenge.type());
        Step.Reply proof =
                assertInstanceOf(
                        Step.Reply.class, sender.onFrame(challenge.type(), challenge.payload()));
        assertEquals(FrameType.PROOF, proof.type());
        Step answer = receiver.onFrame(proof.type(), proof.payload());
        if (answer instanceof Step.Open open) {
            byte[] helloOk = open.helloOk();
            assertNotNull(helloOk);
            assertEquals("prefiller", open.peer().hello().workerId());
            return sender.onFrame(FrameType.HELLO_OK, helloOk);
        }
        return answer;
    }

    private static BatonException refusal(Step step) {
        return assertInstanceOf(Step.Refuse.class, step).reason();
    }

    @Test
    void opensWithAndWithoutAToken() {
        for (String token : List.of("", TOKEN)) {
            Step.Open open = assertInstanceOf(Step.Open.class, run(sender(token), receiver(token)));
            assertEquals(Kv.hello("decoder", 77, Kv.SMALL), open.peer().hello());
            assertEquals(1, open.peer().codecs().getFirst().id());
        }
    }

    @Test
    void refusesAnotherTokenOrNone() {
        assertTrue(
                refusal(run(sender(TOKEN), receiver(OTHER_TOKEN)))
                        .text()
                        .contains("cluster token"));
        assertTrue(
                refusal(run(sender(""), receiver(OTHER_TOKEN))).text().contains("cluster token"));
        assertTrue(refusal(run(sender(TOKEN), receiver(""))).text().contains("cluster token"));
    }

    @Test
    void theSenderFindsAReceiverThatOnlyPretends() {
        Handshake.Sender sender = new Handshake.Sender(sender(TOKEN));
        sender.onFrame(FrameType.CHALLENGE, new byte[32]);
        Handshake.Receiver stranger = new Handshake.Receiver(receiver(""));
        stranger.onFrame(FrameType.HELLO, sender.hello());
        Step.Open open =
                assertInstanceOf(Step.Open.class, stranger.onFrame(FrameType.PROOF, new byte[0]));
        byte[] theirs = open.helloOk();
        assertNotNull(theirs);
        byte[] forged = Arrays.copyOf(theirs, theirs.length + 32);
        assertTrue(
                refusal(sender.onFrame(FrameType.HELLO_OK, forged))
                        .text()
                        .contains("cluster token"));
    }

    @Test
    void aProofDoesNotWorkTwiceNorBackwards() {
        Handshake.Sender sender = new Handshake.Sender(sender(TOKEN));
        Handshake.Receiver first = new Handshake.Receiver(receiver(TOKEN));
        Step.Reply challenge = (Step.Reply) first.onFrame(FrameType.HELLO, sender.hello());
        Step.Reply proof = (Step.Reply) sender.onFrame(FrameType.CHALLENGE, challenge.payload());
        Handshake.Receiver second =
                new Handshake.Receiver(options(receiver(TOKEN).hello(), TOKEN, 3));
        second.onFrame(FrameType.HELLO, sender.hello());
        refusal(second.onFrame(FrameType.PROOF, proof.payload()));
        refusal(sender.onFrame(FrameType.HELLO_OK, proof.payload()));
    }

    @Test
    void refusalCarriesEveryDifference() {
        Hello other = new Hello("decoder", 77, "model-2", Kv.LARGE, 64, 2, "avx2", "exact");
        BatonException reason = refusal(run(sender(""), options(other, "", 2)));
        assertEquals(ErrorCode.HANDSHAKE_MISMATCH, reason.code());
        for (String part :
                List.of(
                        "decoder",
                        "prefiller",
                        "model fingerprint: ours model-2, theirs model-1",
                        "layers: ours 2, theirs 3",
                        "KV dtype: ours f32, theirs bf16",
                        "key format: ours 2, theirs 1",
                        "numeric profile: ours avx2, theirs reference")) {
            assertTrue(reason.text().contains(part), reason.text());
        }
    }

    @Test
    void framesOutOfOrderAreRefused() {
        for (FrameType type : FrameType.values()) {
            if (type != FrameType.HELLO && type != FrameType.REFUSED) {
                refusal(new Handshake.Receiver(receiver("")).onFrame(type, new byte[0]));
            }
            if (type != FrameType.CHALLENGE && type != FrameType.REFUSED) {
                refusal(new Handshake.Sender(sender("")).onFrame(type, new byte[40]));
            }
        }
    }

    @Test
    void hostileHellosNeverThrow() {
        SplittableRandom random = new SplittableRandom(5);
        byte[] hello = new Handshake.Sender(sender("")).hello();
        int opened = 0;
        for (int i = 0; i < 3_000; i++) {
            byte[] damaged = Arrays.copyOf(hello, hello.length - random.nextInt(3) / 2);
            int changes = random.nextInt(4);
            for (int c = 0; c < changes; c++) {
                damaged[32 + random.nextInt(damaged.length - 32)] = (byte) random.nextInt(256);
            }
            Handshake.Receiver receiver = new Handshake.Receiver(receiver(""));
            receiver.onFrame(FrameType.HELLO, damaged);
            if (receiver.onFrame(FrameType.PROOF, new byte[0]) instanceof Step.Open open) {
                opened++;
                assertEquals(Kv.SMALL, open.peer().hello().layout());
                assertEquals("model-1", open.peer().hello().fingerprint());
            }
        }
        assertTrue(opened > 0 && opened < 3_000);
    }

    @Test
    void payloadsAreTheGoldenBytes() throws Exception {
        RandomGenerator counting =
                new RandomGenerator() {
                    @Override
                    public long nextLong() {
                        return 0x0706050403020100L;
                    }
                };
        ChannelOptions from =
                new ChannelOptions(
                        Kv.hello("prefiller", 5, Kv.SMALL),
                        ClusterToken.of("golden-cluster-token"),
                        List.of(new RawCodec()),
                        ChannelOptions.Bounds.DEFAULT,
                        Ticker.system(),
                        counting,
                        null);
        ChannelOptions to =
                new ChannelOptions(
                        Kv.hello("decoder", 77, Kv.SMALL),
                        ClusterToken.of("golden-cluster-token"),
                        List.of(new RawCodec()),
                        ChannelOptions.Bounds.DEFAULT,
                        Ticker.system(),
                        counting,
                        null);
        Handshake.Sender sender = new Handshake.Sender(from);
        Handshake.Receiver receiver = new Handshake.Receiver(to);
        Golden.check("hello-payload.bin", sender.hello());
        Step.Reply challenge = (Step.Reply) receiver.onFrame(FrameType.HELLO, sender.hello());
        Golden.check("challenge-payload.bin", challenge.payload());
        Step.Reply proof = (Step.Reply) sender.onFrame(FrameType.CHALLENGE, challenge.payload());
        Golden.check("proof-payload.bin", proof.payload());
        Step.Open open = (Step.Open) receiver.onFrame(FrameType.PROOF, proof.payload());
        byte[] helloOk = open.helloOk();
        assertNotNull(helloOk);
        Golden.check("hello-ok-payload.bin", helloOk);
    }

    @Test
    void tokensDoNotPrint() {
        assertFalse(sender("a-very-secret-one").toString().contains("a-very-secret-one"));
    }
}
