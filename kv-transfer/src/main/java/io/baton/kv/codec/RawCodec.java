package io.baton.kv.codec;

import io.baton.common.error.BatonException;
import io.baton.common.error.ErrorCode;
import java.lang.foreign.MemorySegment;

/** The pool's bytes as they are; moves nothing. */
public final class RawCodec implements KvCodec {
    /** Wire id. */
    public static final int ID = 1;

    @Override
    public int id() {
        return ID;
    }

    @Override
    public String name() {
        return "raw";
    }

    @Override
    public boolean lossless() {
        return true;
    }

    @Override
    public int maxLevel() {
        return 0;
    }

    @Override
    public boolean knowsProfile(long profile) {
        return profile == 0;
    }

    @Override
    public long maxEncodedBytes(PartShape part) {
        return part.rawBytes();
    }

    @Override
    public long scratchBytes(PartShape part) {
        return 0;
    }

    @Override
    public MemorySegment encode(
            PartShape part, Setting setting, MemorySegment raw, MemorySegment scratch) {
        return checked(part, raw);
    }

    @Override
    public MemorySegment decode(
            PartShape part, Setting setting, MemorySegment encoded, MemorySegment scratch) {
        return checked(part, encoded);
    }

    private static MemorySegment checked(PartShape part, MemorySegment bytes) {
        if (bytes.byteSize() != part.rawBytes()) {
            throw new BatonException(
                    ErrorCode.KV_TRANSFER_FAILED,
                    "a raw part of %d layers x %d blocks has %d bytes, got %d"
                            .formatted(
                                    part.layerCount(),
                                    part.blocks(),
                                    part.rawBytes(),
                                    bytes.byteSize()));
        }
        return bytes;
    }
}
