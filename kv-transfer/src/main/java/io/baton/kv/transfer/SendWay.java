package io.baton.kv.transfer;

import io.baton.kv.adapt.Rung;
import io.baton.kv.codec.KvCodec;

/**
 * One way to send a chunk: a codec at a level.
 *
 * @param expected what is expected of it until it has been measured: ratios on KV of a small model,
 *     speeds of one core
 */
record SendWay(KvCodec codec, KvCodec.Setting setting, Rung expected) {
    private static final double[] CACHEGEN = {2.8, 3.0, 3.3, 3.7, 4.2, 4.7};
    private static final double[] KLT = {5, 5.7, 6.9, 8.4, 10, 12, 14};

    static SendWay of(KvCodec codec, KvCodec.Setting setting) {
        int level = setting.level();
        String name = codec.maxLevel() == 0 ? codec.name() : codec.name() + ":" + level;
        Rung expected =
                switch (codec.name()) {
                    case "lossless" -> new Rung(name, 1.5, 0.5e9, 1e9);
                    case "int8" -> new Rung(name, 1.9, 1.4e9, 4e9);
                    case "cachegen" -> new Rung(name, CACHEGEN[level], 0.3e9, 1e9);
                    case "klt" -> new Rung(name, KLT[level], 0.35e9, 0.45e9);
                    default -> Rung.raw(name);
                };
        return new SendWay(codec, setting, expected);
    }

    String name() {
        return expected.name();
    }
}
