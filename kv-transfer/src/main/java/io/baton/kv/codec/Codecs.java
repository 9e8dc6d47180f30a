package io.baton.kv.codec;

import io.baton.common.kv.KvCoding;
import io.baton.kernels.entropy.RansCoders;
import io.baton.kernels.kv.KvKernelsChoice;
import io.baton.kernels.transform.HeadTransforms;
import io.baton.kv.codec.klt.KltCodec;
import java.util.ArrayList;
import java.util.List;

/** The codecs that a worker offers its peers. */
public final class Codecs {
    private Codecs() {}

    /**
     * All codecs, the one that is wanted first.
     *
     * @param profiles those that may be used
     */
    public static List<KvCodec> favouring(KvCoding coding, KvProfiles profiles) {
        List<KvCodec> codecs = new ArrayList<>();
        codecs.add(of(coding, profiles));
        for (KvCoding other : KvCoding.values()) {
            if (other != coding) {
                codecs.add(of(other, profiles));
            }
        }
        return codecs;
    }

    private static KvCodec of(KvCoding coding, KvProfiles profiles) {
        return switch (coding) {
            case RAW -> new RawCodec();
            case LOSSLESS -> new LosslessCodec(RansCoders.fastest(), KvKernelsChoice.fastest());
            case INT8 -> new Int8Codec(KvKernelsChoice.fastest());
            case CACHEGEN ->
                    new CacheGenCodec(RansCoders.fastest(), KvKernelsChoice.fastest(), profiles);
            case KLT -> new KltCodec(RansCoders.fastest(), HeadTransforms.fastest(), profiles);
        };
    }
}
