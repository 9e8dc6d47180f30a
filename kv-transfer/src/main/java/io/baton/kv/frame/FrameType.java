package io.baton.kv.frame;

import org.jspecify.annotations.Nullable;

/** What a frame is. The wire id never changes; a new type takes a new id. */
public enum FrameType {
    /** Sender to receiver, first frame: who speaks, its codecs, a nonce. */
    HELLO(1, FrameHeader.MAX_HANDSHAKE_BYTES),
    /** Receiver to sender: a nonce to sign. */
    CHALLENGE(2, FrameHeader.MAX_HANDSHAKE_BYTES),
    /** Sender to receiver: proof that it knows the cluster token; empty where there is none. */
    PROOF(3, FrameHeader.MAX_HANDSHAKE_BYTES),
    /** Receiver to sender: who answers, common codecs, its own proof. The channel is open. */
    HELLO_OK(4, FrameHeader.MAX_HANDSHAKE_BYTES),
    /** Either way: no channel; the payload says why in UTF-8. */
    REFUSED(5, FrameHeader.MAX_TEXT_BYTES),
    /** Sender to receiver: a fragment of one part of KV. */
    DATA(6, FrameHeader.MAX_PAYLOAD_BYTES),
    /** Sender to receiver: everything was sent; the payload is the trailer. */
    END(7, FrameHeader.MAX_TRAILER_BYTES),
    /** Sender to receiver: the transfer ends unfinished; the payload says why in UTF-8. */
    ABORT(8, FrameHeader.MAX_TEXT_BYTES),
    /** Sender to receiver: the transfer lives. The receiver answers with the same. */
    KEEPALIVE(9, 0),
    /** Receiver to sender: send no more of this transfer; the payload says why in UTF-8. */
    CLOSED(10, FrameHeader.MAX_TEXT_BYTES),
    /** Sender to receiver: the profile that KV will be coded with, by checksum and length. */
    PROFILE_OFFER(11, 40),
    /** Receiver to sender: the offset from which it wants that profile; its length for no more. */
    PROFILE_WANT(12, 40),
    /** Sender to receiver: an offset, and bytes of the profile from there on. */
    PROFILE(13, FrameHeader.MAX_PAYLOAD_BYTES);

    private static final @Nullable FrameType[] BY_ID = new FrameType[14];

    static {
        for (FrameType type : values()) {
            BY_ID[type.id] = type;
        }
    }

    private final int id;
    private final int maxPayloadBytes;

    FrameType(int id, int maxPayloadBytes) {
        this.id = id;
        this.maxPayloadBytes = maxPayloadBytes;
    }

    /** The number on the wire. */
    public int id() {
        return id;
    }

    /** Longest payload of this type. */
    public int maxPayloadBytes() {
        return maxPayloadBytes;
    }

    /** Whether it belongs to the start of a channel, before any transfer. */
    public boolean isHandshake() {
        return id <= REFUSED.id;
    }

    /** The type of a wire id, null for an unknown one. */
    public static @Nullable FrameType of(int id) {
        return id >= 0 && id < BY_ID.length ? BY_ID[id] : null;
    }
}
