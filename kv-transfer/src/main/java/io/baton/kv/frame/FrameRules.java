package io.baton.kv.frame;

import io.baton.common.kv.KvLayout;
import io.baton.kv.codec.KvCodec;
import io.baton.kv.codec.PartShape;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * What a peer may send now: checked on the header alone, before the payload is waited for and
 * before anything is allocated. Immutable; safe for any thread.
 */
public sealed interface FrameRules {
    /** The first broken rule, null if there is none. The common fields are already checked. */
    @Nullable FrameError check(FrameHeader header, FrameType type);

    /** A profile's checksum and a number have one length. */
    private static @Nullable FrameError named(FrameHeader header) {
        return header.payloadBytes() == FrameType.PROFILE_OFFER.maxPayloadBytes()
                ? null
                : FrameError.PAYLOAD_LENGTH;
    }

    /** Before the peer has proved itself: handshake frames only. */
    record Handshake() implements FrameRules {
        @Override
        public @Nullable FrameError check(FrameHeader header, FrameType type) {
            return type.isHandshake() ? null : FrameError.UNEXPECTED_TYPE;
        }
    }

    /** What a receiver may send on an open channel: it never sends KV. */
    record Replies() implements FrameRules {
        @Override
        public @Nullable FrameError check(FrameHeader header, FrameType type) {
            return switch (type) {
                case KEEPALIVE, CLOSED, REFUSED -> null;
                case PROFILE_WANT -> named(header);
                case HELLO, CHALLENGE, PROOF, HELLO_OK, DATA, END, ABORT, PROFILE_OFFER, PROFILE ->
                        FrameError.UNEXPECTED_TYPE;
            };
        }
    }

    /**
     * What a sender may send on an open channel.
     *
     * @param layout negotiated layout
     * @param chunkTokens tokens per chunk
     * @param codecs agreed codecs
     * @param exactOnly whether only exact KV may come
     */
    record Sending(KvLayout layout, int chunkTokens, List<KvCodec> codecs, boolean exactOnly)
            implements FrameRules {
        public Sending {
            codecs = List.copyOf(codecs);
        }

        @Override
        public @Nullable FrameError check(FrameHeader header, FrameType type) {
            return switch (type) {
                case DATA -> checkData(header);
                case END, ABORT, KEEPALIVE, REFUSED -> null;
                case PROFILE_OFFER -> named(header);
                case PROFILE ->
                        header.payloadBytes() > Long.BYTES ? null : FrameError.PAYLOAD_LENGTH;
                case HELLO, CHALLENGE, PROOF, HELLO_OK, CLOSED, PROFILE_WANT ->
                        FrameError.UNEXPECTED_TYPE;
            };
        }

        /** The agreed codec of this id, null if it was not agreed on. */
        private @Nullable KvCodec codec(int id) {
            for (int i = 0; i < codecs.size(); i++) {
                KvCodec codec = codecs.get(i);
                if (codec.id() == id) {
                    return codec;
                }
            }
            return null;
        }

        /** The shape of a DATA frame's part; only for a header that passed {@link #check}. */
        private PartShape shape(FrameHeader header) {
            return new PartShape(
                    layout,
                    header.firstLayer(),
                    header.layerCount(),
                    header.firstToken(),
                    header.tokenCount() / layout.blockTokens());
        }

        private @Nullable FrameError checkData(FrameHeader header) {
            int layerCount = header.layerCount();
            if (layerCount < 1 || header.firstLayer() + layerCount > layout.layers()) {
                return FrameError.LAYER_RANGE;
            }
            if (!tokensFit(header)) {
                return FrameError.TOKEN_RANGE;
            }
            PartShape part = shape(header);
            if (header.rawBytes() < 0 || header.rawBytes() != part.rawBytes()) {
                return FrameError.RAW_LENGTH;
            }
            KvCodec codec = codec(header.codecId());
            if (codec == null
                    || header.codecLevel() > codec.maxLevel()
                    || !codec.knowsProfile(header.codecProfile())
                    || header.formId() >= Form.values().length
                    || (exactOnly && (header.formId() != Form.EXACT.id() || !codec.lossless()))) {
                return FrameError.CODEC;
            }
            return checkFragment(header, codec.maxEncodedBytes(part));
        }

        private boolean tokensFit(FrameHeader header) {
            int first = header.firstToken();
            int count = header.tokenCount();
            int block = layout.blockTokens();
            return first >= 0
                    && first % block == 0
                    && count >= block
                    && count % block == 0
                    && count <= chunkTokens
                    && first / chunkTokens == header.chunkIndex()
                    && (first % chunkTokens) + count <= chunkTokens;
        }

        private static @Nullable FrameError checkFragment(FrameHeader header, long maxEncoded) {
            int count = header.fragmentCount();
            int index = header.fragmentIndex();
            long most = Math.ceilDiv(maxEncoded, (long) FrameHeader.MAX_PAYLOAD_BYTES);
            if (count < 1 || count > most || index >= count) {
                return FrameError.FRAGMENT;
            }
            int payload = header.payloadBytes();
            boolean last = index == count - 1;
            long before = (long) index * FrameHeader.MAX_PAYLOAD_BYTES;
            boolean fits =
                    last
                            ? payload > 0 && before + payload <= maxEncoded
                            : payload == FrameHeader.MAX_PAYLOAD_BYTES;
            return fits ? null : FrameError.PAYLOAD_LENGTH;
        }
    }
}
