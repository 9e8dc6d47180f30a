package io.baton.common.kv;

import java.util.Arrays;
import java.util.HexFormat;

/** A 256-bit key of a block or chunk of KV: the whole prefix up to and including it. Immutable. */
public final class ChunkKey {
    /** Bytes of a key. */
    public static final int BYTES = 32;

    private final byte[] bytes;

    private ChunkKey(byte[] bytes) {
        this.bytes = bytes;
    }

    /** A key from 32 bytes, which are copied. */
    public static ChunkKey of(byte[] bytes) {
        if (bytes.length != BYTES) {
            throw new IllegalArgumentException("a chunk key has 32 bytes, got " + bytes.length);
        }
        return new ChunkKey(bytes.clone());
    }

    /** A key from 64 hex characters. */
    public static ChunkKey ofHex(String hex) {
        if (hex.length() != 2 * BYTES) {
            throw new IllegalArgumentException(
                    "a chunk key has 64 hex characters, got " + hex.length());
        }
        return new ChunkKey(HexFormat.of().parseHex(hex));
    }

    /** A copy of the bytes. */
    public byte[] toBytes() {
        return bytes.clone();
    }

    /** 64 lower-case hex characters. */
    public String hex() {
        return HexFormat.of().formatHex(bytes);
    }

    @Override
    public boolean equals(Object other) {
        return other instanceof ChunkKey key && Arrays.equals(bytes, key.bytes);
    }

    @Override
    public int hashCode() {
        return (bytes[0] & 0xff)
                | (bytes[1] & 0xff) << 8
                | (bytes[2] & 0xff) << 16
                | bytes[3] << 24;
    }

    @Override
    public String toString() {
        return hex().substring(0, 16);
    }
}
