package io.baton.kv.channel;

import io.baton.common.error.BatonException;
import io.baton.common.error.ErrorCode;
import io.baton.kv.channel.HelloFormat.Greeting;
import io.baton.kv.codec.KvCodec;
import io.baton.kv.frame.FrameType;
import io.baton.kv.frame.Reason;
import java.nio.ByteBuffer;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.random.RandomGenerator;
import org.jspecify.annotations.Nullable;

/**
 * The first four frames of a channel, as a state machine without sockets:
 *
 * <pre>
 * sender                                   receiver
 *   HELLO    nonce S, codecs, hello  ---->
 *            <----  CHALLENGE  nonce R
 *   PROOF    HMAC("sender", S, R, hash of HELLO)  ---->
 *            <----  HELLO_OK  codecs, hello, HMAC("receiver", S, R, hashes of both)
 * </pre>
 *
 * The sender proves itself first, so a stranger learns nothing about the receiver. Labels and fresh
 * nonces of both sides keep a proof from being sent back or used again. Without a token on both
 * sides proofs are empty. One thread at a time.
 */
public sealed interface Handshake {
    /** Bytes of a nonce. */
    int NONCE_BYTES = 32;

    /** First in a proof, so that neither side's can be sent back as the other's. */
    String SENDER_LABEL = "baton kv sender";

    String RECEIVER_LABEL = "baton kv receiver";

    /** What to do with the frame that came. */
    Step onFrame(FrameType type, byte[] payload);

    /** The answer of the state machine. */
    sealed interface Step {
        /** Send this and wait for the next frame. */
        record Reply(FrameType type, byte[] payload) implements Step {}

        /** The channel is open; the receiver sends this first. */
        record Open(Peer peer, byte @Nullable [] helloOk) implements Step {}

        /** No channel. */
        record Refuse(BatonException reason, boolean tellPeer) implements Step {}
    }

    /** The end that connects. */
    final class Sender implements Handshake {
        private final ChannelOptions options;
        private final byte[] hello;
        private byte[] fields = new byte[0];

        /** What this end says and demands is in the options. */
        public Sender(ChannelOptions options) {
            this.options = options;
            this.hello =
                    concat(
                            nonce(options.nonces()),
                            HelloFormat.encode(new Greeting(options.hello(), ids(options))));
        }

        /** Payload of the HELLO to start with. */
        byte[] hello() {
            return hello;
        }

        @Override
        public Step onFrame(FrameType type, byte[] payload) {
            try {
                return switch (type) {
                    case CHALLENGE -> onChallenge(payload);
                    case HELLO_OK -> onHelloOk(payload);
                    case REFUSED -> new Step.Refuse(Reason.decode(payload), false);
                    case HELLO,
                            PROOF,
                            DATA,
                            END,
                            ABORT,
                            KEEPALIVE,
                            CLOSED,
                            PROFILE_OFFER,
                            PROFILE_WANT,
                            PROFILE ->
                            unexpected(type);
                };
            } catch (BatonException e) {
                return new Step.Refuse(e, true);
            }
        }

        private Step onChallenge(byte[] nonce) {
            if (nonce.length != NONCE_BYTES || fields.length != 0) {
                return unexpected(FrameType.CHALLENGE);
            }
            fields = concat(Arrays.copyOf(hello, NONCE_BYTES), nonce, sha256(hello));
            return new Step.Reply(FrameType.PROOF, options.token().prove(SENDER_LABEL, fields));
        }

        private Step onHelloOk(byte[] payload) {
            int proofBytes = options.token().proofBytes();
            if (fields.length == 0 || payload.length < proofBytes) {
                return unexpected(FrameType.HELLO_OK);
            }
            byte[] body = Arrays.copyOf(payload, payload.length - proofBytes);
            byte[] proof = Arrays.copyOfRange(payload, body.length, payload.length);
            if (!options.token().isProof(proof, RECEIVER_LABEL, fields, sha256(body))) {
                throw differentToken();
            }
            Greeting theirs = HelloFormat.decode(ByteBuffer.wrap(body));
            requireFit(options.hello(), theirs.hello(), "sender");
            return new Step.Open(peer(options, theirs, ids(options)), null);
        }
    }

    /** The end that listens. */
    final class Receiver implements Handshake {
        private final ChannelOptions options;
        private final byte[] nonce;
        private byte @Nullable [] hello;

        /** What this end says and demands is in the options. */
        public Receiver(ChannelOptions options) {
            this.options = options;
            this.nonce = nonce(options.nonces());
        }

        @Override
        public Step onFrame(FrameType type, byte[] payload) {
            try {
                return switch (type) {
                    case HELLO -> onHello(payload);
                    case PROOF -> onProof(payload);
                    case REFUSED -> new Step.Refuse(Reason.decode(payload), false);
                    case CHALLENGE,
                            HELLO_OK,
                            DATA,
                            END,
                            ABORT,
                            KEEPALIVE,
                            CLOSED,
                            PROFILE_OFFER,
                            PROFILE_WANT,
                            PROFILE ->
                            unexpected(type);
                };
            } catch (BatonException e) {
                return new Step.Refuse(e, true);
            }
        }

        private Step onHello(byte[] payload) {
            if (hello != null || payload.length <= NONCE_BYTES) {
                return unexpected(FrameType.HELLO);
            }
            hello = payload;
            return new Step.Reply(FrameType.CHALLENGE, nonce);
        }

        private Step onProof(byte[] proof) {
            byte[] theirHello = hello;
            if (theirHello == null) {
                return unexpected(FrameType.PROOF);
            }
            byte[] fields =
                    concat(Arrays.copyOf(theirHello, NONCE_BYTES), nonce, sha256(theirHello));
            if (!options.token().isProof(proof, SENDER_LABEL, fields)) {
                throw differentToken();
            }
            Greeting theirs =
                    HelloFormat.decode(
                            ByteBuffer.wrap(
                                    theirHello, NONCE_BYTES, theirHello.length - NONCE_BYTES));
            requireFit(options.hello(), theirs.hello(), "receiver");
            Peer peer = peer(options, theirs, theirs.codecs());
            List<Integer> common = peer.codecs().stream().map(KvCodec::id).toList();
            byte[] body = HelloFormat.encode(new Greeting(options.hello(), common));
            byte[] ours = options.token().prove(RECEIVER_LABEL, fields, sha256(body));
            return new Step.Open(peer, concat(body, ours));
        }
    }

    private static Step unexpected(FrameType type) {
        return new Step.Refuse(
                new BatonException(
                        ErrorCode.HANDSHAKE_MISMATCH,
                        "the peer broke the order of the handshake with " + type),
                true);
    }

    private static BatonException differentToken() {
        return new BatonException(
                ErrorCode.HANDSHAKE_MISMATCH,
                "the cluster token is missing on one side or differs; give all workers the same",
                "cluster.token");
    }

    private static void requireFit(Hello ours, Hello theirs, String weAre) {
        List<String> diff = ours.diff(theirs);
        if (!diff.isEmpty()) {
            throw new BatonException(
                    ErrorCode.HANDSHAKE_MISMATCH,
                    "KV %s %s does not fit %s: %s"
                            .formatted(
                                    weAre,
                                    ours.workerId(),
                                    theirs.workerId(),
                                    String.join("; ", diff)));
        }
    }

    /** Codecs that both know and that their sameness allows, in the sender's order. */
    private static Peer peer(ChannelOptions options, Greeting theirs, List<Integer> order) {
        boolean exact = isExact(options.hello(), theirs.hello());
        List<KvCodec> common = new ArrayList<>();
        for (int id : order) {
            for (KvCodec codec : options.codecs()) {
                if (codec.id() == id
                        && theirs.codecs().contains(id)
                        && (codec.lossless() || !exact)
                        && !common.contains(codec)) {
                    common.add(codec);
                }
            }
        }
        if (common.isEmpty()) {
            throw new BatonException(
                    ErrorCode.HANDSHAKE_MISMATCH,
                    "no common KV codec: ours %s, theirs %s"
                            .formatted(ids(options), theirs.codecs()));
        }
        return new Peer(theirs.hello(), common);
    }

    /** Whether only exact KV may pass between these two. */
    static boolean isExact(Hello one, Hello other) {
        return one.sameness().equals("exact") || other.sameness().equals("exact");
    }

    private static List<Integer> ids(ChannelOptions options) {
        return options.codecs().stream().map(KvCodec::id).toList();
    }

    private static byte[] nonce(RandomGenerator random) {
        byte[] nonce = new byte[NONCE_BYTES];
        random.nextBytes(nonce);
        return nonce;
    }

    private static byte[] concat(byte[]... parts) {
        int length = 0;
        for (byte[] part : parts) {
            length += part.length;
        }
        ByteBuffer all = ByteBuffer.allocate(length);
        for (byte[] part : parts) {
            all.put(part);
        }
        return all.array();
    }

    private static byte[] sha256(byte[] bytes) {
        try {
            return MessageDigest.getInstance("SHA-256").digest(bytes);
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("every JDK has SHA-256", e);
        }
    }
}
