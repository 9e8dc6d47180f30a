package io.baton.engine;

import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.stream.IntStream;
import java.util.zip.GZIPInputStream;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.ObjectMapper;

/**
 * A tiny random checkpoint of one family and the logits that transformers computed from it in
 * float32 (bench/oracle/family_golden.py). Its weights are no file: they are a formula that both
 * sides compute.
 *
 * @param config the checkpoint's config.json
 */
record FamilyCase(String name, JsonNode config, JsonNode golden) {
    private static final long STEP = 0x9E3779B97F4A7C15L;

    static List<FamilyCase> all() {
        try (InputStream in = FamilyCase.class.getResourceAsStream("/golden/families.json.gz")) {
            JsonNode cases = new ObjectMapper().readTree(new GZIPInputStream(in)).path("cases");
            List<FamilyCase> all = new ArrayList<>();
            for (JsonNode one : cases) {
                all.add(new FamilyCase(one.path("name").asString(), one.path("config"), one));
            }
            return all;
        } catch (IOException e) {
            throw new IllegalStateException(e);
        }
    }

    static FamilyCase named(String name) {
        return all().stream().filter(one -> one.name.equals(name)).findFirst().orElseThrow();
    }

    /** A tensor under the checkpoint's name. */
    record CheckpointTensor(String name, int[] shape, float[] values) {
        int cols() {
            return shape[shape.length - 1];
        }
    }

    List<CheckpointTensor> tensors() {
        List<CheckpointTensor> tensors = new ArrayList<>();
        for (JsonNode tensor : golden.path("tensors")) {
            int[] shape = ints(tensor.path(1));
            tensors.add(
                    new CheckpointTensor(
                            tensor.path(0).asString(),
                            shape,
                            values(
                                    tensor.path(0).asString(),
                                    IntStream.of(shape).reduce(1, Math::multiplyExact),
                                    (float) tensor.path(2).asDouble(),
                                    (float) tensor.path(3).asDouble())));
        }
        return tensors;
    }

    private static float[] values(String name, int count, float scale, float offset) {
        long seed = 0xCBF29CE484222325L;
        for (byte b : name.getBytes(StandardCharsets.UTF_8)) {
            seed = (seed ^ (b & 0xff)) * 0x100000001B3L;
        }
        float[] values = new float[count];
        for (int i = 0; i < count; i++) {
            long z = seed + i * STEP;
            z = (z ^ (z >>> 30)) * 0xBF58476D1CE4E5B9L;
            z = (z ^ (z >>> 27)) * 0x94D049BB133111EBL;
            z ^= z >>> 31;
            values[i] = offset + scale * ((z >>> 40) * 0x1p-23f - 1);
        }
        return values;
    }

    int[] tokens() {
        return ints(golden.path("tokens"));
    }

    int[] positions() {
        return ints(golden.path("positions"));
    }

    /** Transformers' logits at the i-th of {@link #positions}. */
    float[] logits(int i) {
        byte[] bytes = Base64.getDecoder().decode(golden.path("logits").path(i).asString());
        FloatBuffer floats = ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN).asFloatBuffer();
        float[] logits = new float[floats.remaining()];
        floats.get(logits);
        return logits;
    }

    /** The longest context that is served: LongRoPE's short list holds for short ones only. */
    int served() {
        return name.endsWith("-short") ? 16 : 0;
    }

    private static int[] ints(JsonNode array) {
        int[] ints = new int[array.size()];
        for (int i = 0; i < ints.length; i++) {
            ints[i] = array.path(i).asInt();
        }
        return ints;
    }

    @Override
    public String toString() {
        return name;
    }
}
