package io.baton.bench.transfer.child;

import io.baton.common.kv.KvDtype;
import io.baton.common.kv.KvLayout;
import io.baton.kv.transfer.TransferSpec;
import java.util.Locale;
import tools.jackson.databind.JsonNode;

/**
 * What is sent in one measurement: every stream sends so many messages, one after the other, from
 * the same memory to the same place.
 */
record Load(Shape shape, int streams, int messages, int run) {
    /** Kinds of messages. */
    enum Shape {
        /** 64 MiB: two chunks of an 8B model (32 layers, 8 heads of 128), 1 MiB to a layer. */
        MESSAGE(new KvLayout(32, 8, 128, KvDtype.BF16, 16), 512),
        /** One chunk of SmolLM2-135M: 30 layers of 192 KiB. */
        CHUNK(new KvLayout(30, 3, 64, KvDtype.BF16, 16), 256);

        static final int CHUNK_TOKENS = 256;

        final KvLayout layout;
        final TransferSpec spec;

        Shape(KvLayout layout, int tokens) {
            this.layout = layout;
            this.spec = new TransferSpec(layout, CHUNK_TOKENS, 0, tokens);
        }

        /** Bytes of one layer of one chunk. */
        int partBytes() {
            return CHUNK_TOKENS / layout.blockTokens() * layout.blockLayerBytes();
        }

        int parts() {
            return layout.layers() * spec.toToken() / CHUNK_TOKENS;
        }

        long bytes() {
            return (long) parts() * partBytes();
        }
    }

    static Load of(JsonNode question) {
        return new Load(
                Shape.valueOf(question.path("shape").asString().toUpperCase(Locale.ROOT)),
                question.path("streams").asInt(),
                question.path("messages").asInt(),
                question.path("run").asInt());
    }

    int transfers() {
        return streams * messages;
    }

    /** Of all streams. */
    long bytes() {
        return transfers() * shape.bytes();
    }

    /** Unique in a process. */
    long transfer(int stream, int message) {
        return ((long) run << 20) + ((long) stream << 14) + message + 1;
    }
}
