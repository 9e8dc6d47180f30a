package io.baton.bench.quality;

import io.baton.kv.codec.KvCodec;

/** A way to code. */
record Coding(KvCodec codec, KvCodec.Setting setting) {
    String name() {
        return codec.maxLevel() == 0
                ? codec.name()
                : "%s level %d".formatted(codec.name(), setting.level());
    }
}
