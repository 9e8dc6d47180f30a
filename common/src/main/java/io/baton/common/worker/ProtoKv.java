package io.baton.common.worker;

import io.baton.common.error.BatonException;
import io.baton.common.error.ErrorCode;
import io.baton.common.kv.KeyChain;
import io.baton.common.kv.KvDtype;
import io.baton.common.kv.KvLayout;
import io.baton.common.proto.KvFormat;
import java.util.List;

/** The form of KV, to and from protobuf. */
public final class ProtoKv {
    private static final int MAX_LAYERS = 4096;
    private static final int MAX_HEADS = 4096;
    private static final int MAX_HEAD_DIM = 4096;
    private static final int MAX_BLOCK_TOKENS = 1024;

    private ProtoKv() {}

    /** To the wire. */
    public static KvFormat toProto(
            KvLayout layout,
            int chunkTokens,
            String numericProfile,
            String sameness,
            List<String> codecs) {
        return KvFormat.newBuilder()
                .setLayers(layout.layers())
                .setKvHeads(layout.kvHeads())
                .setHeadDim(layout.headDim())
                .setDtype(layout.dtype().label())
                .setBlockTokens(layout.blockTokens())
                .setChunkTokens(chunkTokens)
                .setKeyFormatVersion(KeyChain.FORMAT_VERSION)
                .setNumericProfile(numericProfile)
                .setSameness(sameness)
                .addAllCodecs(codecs)
                .build();
    }

    /** {@code exact} or {@code tolerant}: workers of before said nothing and are exact. */
    public static String sameness(KvFormat format) {
        return format.getSameness().isEmpty() ? "exact" : format.getSameness();
    }

    /**
     * The layout from the wire.
     *
     * @throws BatonException HANDSHAKE_MISMATCH if it is none that this version knows
     */
    public static KvLayout layout(KvFormat format) {
        within("layers", format.getLayers(), MAX_LAYERS);
        within("KV heads", format.getKvHeads(), MAX_HEADS);
        within("head dimension", format.getHeadDim(), MAX_HEAD_DIM);
        within("block tokens", format.getBlockTokens(), MAX_BLOCK_TOKENS);
        for (KvDtype dtype : KvDtype.values()) {
            if (dtype.label().equals(format.getDtype())) {
                try {
                    return new KvLayout(
                            format.getLayers(),
                            format.getKvHeads(),
                            format.getHeadDim(),
                            dtype,
                            format.getBlockTokens());
                } catch (ArithmeticException e) {
                    throw new BatonException(
                            ErrorCode.HANDSHAKE_MISMATCH,
                            "the peer's KV block is larger than 2 GiB",
                            null,
                            e);
                }
            }
        }
        throw new BatonException(
                ErrorCode.HANDSHAKE_MISMATCH,
                "the peer's KV dtype is %s; f32, bf16, f16 and int8 are known"
                        .formatted(format.getDtype()));
    }

    private static void within(String name, int value, int most) {
        if (value < 1 || value > most) {
            throw new BatonException(
                    ErrorCode.HANDSHAKE_MISMATCH,
                    "the peer's %s are %d, allowed are 1 to %d".formatted(name, value, most));
        }
    }
}
