package io.baton.bench.quality;

import io.baton.kv.codec.KvCodec;

/** A way to code. */
public record Coding(KvCodec codec, KvCodec.Setting setting) {
    /** For rows: the codec, and the level where there are several. */
    public String name() {
        return codec.maxLevel() == 0
                ? codec.name()
                : "%s level %d".formatted(codec.name(), setting.level());
    }
}
