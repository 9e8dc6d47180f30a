package io.baton.common.testkit;

import io.baton.common.model.TensorType;
import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Collectors;

/** Writes small safetensors files and tokenizers for tests. */
public final class Safetensors {
    private Safetensors() {}

    /** A tensor with its elements in float32, written as F32, F16 or BF16 (rounded to nearest). */
    public record Tensor(String name, TensorType type, int[] shape, float[] values) {
        byte[] bytes() {
            ByteBuffer out =
                    ByteBuffer.allocate((int) type.bytes(values.length))
                            .order(ByteOrder.LITTLE_ENDIAN);
            for (float value : values) {
                switch (type) {
                    case F32 -> out.putFloat(value);
                    case F16 -> out.putShort(Float.floatToFloat16(value));
                    case BF16 -> out.putShort(bfloat16(value));
                    default -> throw new IllegalArgumentException(type.toString());
                }
            }
            return out.array();
        }
    }

    /** Nearest, ties to even, of a finite number. */
    public static short bfloat16(float value) {
        int bits = Float.floatToRawIntBits(value);
        return (short) ((bits + 0x7fff + (bits >>> 16 & 1)) >>> 16);
    }

    /** The whole file. */
    public static byte[] of(List<Tensor> tensors) {
        ByteArrayOutputStream data = new ByteArrayOutputStream();
        StringBuilder header = new StringBuilder("{\"__metadata__\":{\"format\":\"pt\"}");
        for (Tensor tensor : tensors) {
            int from = data.size();
            data.writeBytes(tensor.bytes());
            header.append(
                    ",\"%s\":{\"dtype\":\"%s\",\"shape\":%s,\"data_offsets\":[%d,%d]}"
                            .formatted(
                                    tensor.name(),
                                    tensor.type(),
                                    Arrays.toString(tensor.shape()),
                                    from,
                                    data.size()));
        }
        return of(header.append('}').toString(), data.toByteArray());
    }

    /** A file with this header and data, whatever they say. */
    public static byte[] of(String header, byte[] data) {
        byte[] json = header.getBytes(StandardCharsets.UTF_8);
        return ByteBuffer.allocate(8 + json.length + data.length)
                .order(ByteOrder.LITTLE_ENDIAN)
                .putLong(json.length)
                .put(json)
                .put(data)
                .array();
    }

    /** A tokenizer.json of bytes alone: 256 tokens in GPT-2's spelling, three of them special. */
    public static String byteTokenizer() {
        StringBuilder vocab = new StringBuilder();
        int more = 256;
        for (int b = 0; b < 256; b++) {
            boolean printable = b > 32 && b < 127 || b > 160 && b != 173;
            char character = (char) (printable ? b : more++);
            String escaped = "\"\\".indexOf(character) < 0 ? "" + character : "\\" + character;
            vocab.append(b == 0 ? "" : ",").append("\"%s\":%d".formatted(escaped, b));
        }
        String added =
                List.of("<s>", "</s>", "<|im_end|>").stream()
                        .map(
                                name ->
                                        ("{\"id\":%d,\"content\":\"%s\",\"single_word\":false,"
                                                        + "\"lstrip\":false,\"rstrip\":false,"
                                                        + "\"normalized\":false,\"special\":true}")
                                                .formatted(
                                                        256
                                                                + List.of(
                                                                                "<s>",
                                                                                "</s>",
                                                                                "<|im_end|>")
                                                                        .indexOf(name),
                                                        name))
                        .collect(Collectors.joining(","));
        return """
        {"version":"1.0","added_tokens":[%s],"normalizer":null,
         "pre_tokenizer":{"type":"ByteLevel","add_prefix_space":false,"use_regex":true},
         "post_processor":null,"decoder":{"type":"ByteLevel"},
         "model":{"type":"BPE","vocab":{%s},"merges":[]}}
        """
                .formatted(added, vocab);
    }
}
