package io.baton.kv.codec;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;

import io.baton.common.error.BatonException;
import io.baton.common.error.ErrorCode;
import io.baton.kernels.kv.KvKernels;
import io.baton.kernels.kv.LayerShape;
import java.lang.foreign.MemorySegment;

/**
 * 16-bit KV in bytes: a scale for each channel of K, and for each token and head of V.
 *
 * <pre>
 *   u8 0 | the raw bytes: other element formats, and values that are not finite or above 2^24
 *   u8 1 | u8 0 | layers
 *   layer = scales: upper half of a float32 for each channel of K, then for each row of V in the raw order
 *         | a byte for each value in the raw order, 128 for zero
 * </pre>
 *
 * All little-endian. Decoded values are the same everywhere, but not those that were encoded.
 */
public final class Int8Codec implements KvCodec {
    /** Wire id. */
    public static final int ID = 3;

    private static final int CODED = 1;
    private static final int HEAD_BYTES = 2;

    private final KvKernels kernels;

    public Int8Codec(KvKernels kernels) {
        this.kernels = kernels;
    }

    @Override
    public int id() {
        return ID;
    }

    @Override
    public String name() {
        return "int8";
    }

    @Override
    public boolean lossless() {
        return false;
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
        return Math.max(part.rawBytes() + 1, codedBytes(part));
    }

    @Override
    public long scratchBytes(PartShape part) {
        return workBytes(part) + Math.max(part.rawBytes() + 1, codedBytes(part));
    }

    private static long codedBytes(PartShape part) {
        return CacheGenCodec.isCoded(part)
                ? HEAD_BYTES + part.layerCount() * layerBytes(new Channels(part).layer())
                : 0;
    }

    private static long layerBytes(LayerShape layer) {
        return 2L * KvKernels.scales(layer) + layer.values();
    }

    private static long workBytes(PartShape part) {
        return CacheGenCodec.isCoded(part)
                ? (KvKernels.workBytes(new Channels(part).layer()) + 7) / 8 * 8
                : 0;
    }

    @Override
    public MemorySegment encode(
            PartShape part, Setting setting, MemorySegment raw, MemorySegment scratch) {
        MemorySegment out = scratch.asSlice(workBytes(part));
        if (!CacheGenCodec.isCoded(part)) {
            return CacheGenPart.copied(raw, out);
        }
        LayerShape layer = new Channels(part).layer();
        out.set(JAVA_BYTE, 0, (byte) CODED);
        out.set(JAVA_BYTE, 1, (byte) 0);
        long scaleBytes = 2L * KvKernels.scales(layer);
        long at = HEAD_BYTES;
        for (int of = 0; of < part.layerCount(); of++) {
            MemorySegment values = raw.asSlice(of * 2L * layer.values(), 2L * layer.values());
            boolean done =
                    kernels.toBytes(
                            layer,
                            values,
                            out.asSlice(at, scaleBytes),
                            out.asSlice(at + scaleBytes, layer.values()),
                            scratch);
            if (!done) {
                return CacheGenPart.copied(raw, out);
            }
            at += layerBytes(layer);
        }
        return out.asSlice(0, at);
    }

    @Override
    public MemorySegment decode(
            PartShape part, Setting setting, MemorySegment encoded, MemorySegment scratch) {
        if (encoded.byteSize() == part.rawBytes() + 1 && encoded.get(JAVA_BYTE, 0) == 0) {
            return encoded.asSlice(1);
        }
        if (!CacheGenCodec.isCoded(part)
                || encoded.byteSize() != codedBytes(part)
                || encoded.get(JAVA_BYTE, 0) != CODED
                || encoded.get(JAVA_BYTE, 1) != 0) {
            throw invalid(part, "it begins with neither 0 nor 1, or has another length");
        }
        LayerShape layer = new Channels(part).layer();
        MemorySegment raw = scratch.asSlice(workBytes(part), part.rawBytes());
        long scaleBytes = 2L * KvKernels.scales(layer);
        long at = HEAD_BYTES;
        for (int of = 0; of < part.layerCount(); of++) {
            boolean valid =
                    kernels.fromBytes(
                            layer,
                            encoded.asSlice(at, scaleBytes),
                            encoded.asSlice(at + scaleBytes, layer.values()),
                            raw.asSlice(of * 2L * layer.values(), 2L * layer.values()),
                            scratch);
            if (!valid) {
                throw invalid(part, "a scale is out of range");
            }
            at += layerBytes(layer);
        }
        return raw;
    }

    private static BatonException invalid(PartShape part, String why) {
        return new BatonException(
                ErrorCode.KV_TRANSFER_FAILED,
                "an int8 part of %d layers x %d blocks is invalid: %s"
                        .formatted(part.layerCount(), part.blocks(), why));
    }
}
