package io.baton.kv.codec;

import io.baton.common.kv.KvCoding;
import io.baton.kernels.entropy.RansCoders;
import java.util.ArrayList;
import java.util.List;

/** The codecs that a worker offers its peers. */
public final class Codecs {
    private Codecs() {}

    /** All codecs, the one that is wanted first. */
    public static List<KvCodec> favouring(KvCoding coding) {
        List<KvCodec> codecs = new ArrayList<>();
        codecs.add(of(coding));
        for (KvCoding other : KvCoding.values()) {
            if (other != coding) {
                codecs.add(of(other));
            }
        }
        return codecs;
    }

    private static KvCodec of(KvCoding coding) {
        return switch (coding) {
            case RAW -> new RawCodec();
            case LOSSLESS -> new LosslessCodec(RansCoders.fastest());
        };
    }
}
