package io.baton.common.checkpoint;

import static io.baton.common.checkpoint.CheckpointJson.quote;

import io.baton.common.error.BatonException;
import io.baton.common.model.GgufTensor;
import io.baton.common.model.TensorType;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import tools.jackson.databind.JsonNode;

/**
 * One pass over a safetensors file: 8 bytes with the header's length, a JSON header, tensor data.
 * The header names each tensor's type, shape and place; as the format demands, the tensors fill the
 * data without a gap and without overlap. Checked with exact arithmetic before anything is used.
 *
 * <pre>
 * 0  u64 N   8  JSON {"name": {"dtype": "F32", "shape": [rows, cols], "data_offsets": [from, to]}}
 * 8 + N      data
 * </pre>
 */
final class SafetensorsFile {
    private static final ValueLayout.OfLong LONG =
            ValueLayout.JAVA_LONG_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    private static final int LENGTH_BYTES = 8;

    /** Real headers take some hundred bytes a tensor. */
    static final int MAX_HEADER_BYTES = 16 << 20;

    private static final int MAX_DIMS = 4;
    private static final int MAX_NAME = 512;

    /** Types of one name in both formats. */
    private static final Map<String, TensorType> TYPES =
            Map.of("F32", TensorType.F32, "F16", TensorType.F16, "BF16", TensorType.BF16);

    private final String source;
    private final MemorySegment file;

    private record Place(GgufTensor tensor, long from, long to) {}

    private SafetensorsFile(String source, MemorySegment file) {
        this.source = source;
        this.file = file;
    }

    /** The tensors in the order of their data, under the file's own names. */
    static List<GgufTensor> parse(String source, MemorySegment file) {
        SafetensorsFile parser = new SafetensorsFile(source, file);
        try {
            return parser.parse();
        } catch (ArithmeticException e) {
            throw parser.invalid("a size or offset exceeds 64 bits");
        }
    }

    private List<GgufTensor> parse() {
        if (file.byteSize() < LENGTH_BYTES) {
            throw invalid("it ends inside the header's length");
        }
        long length = file.get(LONG, 0);
        if (length < 2 || length > MAX_HEADER_BYTES || length > file.byteSize() - LENGTH_BYTES) {
            throw invalid(
                    "the header says %s bytes; the file has %d and %d are read at most"
                            .formatted(
                                    Long.toUnsignedString(length),
                                    file.byteSize(),
                                    MAX_HEADER_BYTES));
        }
        byte[] header = file.asSlice(LENGTH_BYTES, length).toArray(ValueLayout.JAVA_BYTE);
        MemorySegment data = file.asSlice(LENGTH_BYTES + length);
        JsonNode root = CheckpointJson.object(source, header);
        List<Place> places = new ArrayList<>();
        for (Map.Entry<String, JsonNode> entry : root.properties()) {
            if (!entry.getKey().equals("__metadata__")) {
                places.add(place(entry.getKey(), entry.getValue(), data));
            }
        }
        places.sort(Comparator.comparingLong(Place::from));
        checkFilled(places, data.byteSize());
        return places.stream().map(Place::tensor).toList();
    }

    private Place place(String name, JsonNode info, MemorySegment data) {
        if (name.isEmpty() || name.length() > MAX_NAME) {
            throw invalid("a tensor's name has %d characters".formatted(name.length()));
        }
        TensorType type = TYPES.get(info.path("dtype").asString(""));
        if (type == null) {
            throw invalid(
                    "tensor %s is %s; F32, F16 and BF16 are read"
                            .formatted(quote(name), quote(info.path("dtype").asString(""))));
        }
        long[] dims = dims(name, info.path("shape"));
        long elements = 1;
        for (long dim : dims) {
            elements = Math.multiplyExact(elements, dim);
        }
        if (dims[0] > Integer.MAX_VALUE || elements / dims[0] > Integer.MAX_VALUE) {
            throw invalid(
                    "tensor %s is too large; rows and columns up to 2^31-1 are read"
                            .formatted(quote(name)));
        }
        JsonNode offsets = info.path("data_offsets");
        if (!offsets.isArray() || offsets.size() != 2) {
            throw invalid("tensor %s has no data_offsets".formatted(quote(name)));
        }
        long from = integer(name, "data_offsets", offsets.path(0));
        long to = integer(name, "data_offsets", offsets.path(1));
        if (from > to || to > data.byteSize() || to - from != type.bytes(elements)) {
            throw invalid(
                    "tensor %s takes %d bytes and says %d to %d of %d"
                            .formatted(
                                    quote(name), type.bytes(elements), from, to, data.byteSize()));
        }
        GgufTensor tensor = new GgufTensor(name, type, dims, data.asSlice(from, to - from));
        return new Place(tensor, from, to);
    }

    /** In ggml's order, innermost first. */
    private long[] dims(String name, JsonNode shape) {
        if (!shape.isArray() || shape.isEmpty() || shape.size() > MAX_DIMS) {
            throw invalid(
                    "tensor %s has no shape of 1 to %d dimensions"
                            .formatted(quote(name), MAX_DIMS));
        }
        long[] dims = new long[shape.size()];
        for (int i = 0; i < dims.length; i++) {
            dims[i] = integer(name, "shape", shape.path(dims.length - 1 - i));
            if (dims[i] == 0) {
                throw invalid("tensor %s has a dimension of 0".formatted(quote(name)));
            }
        }
        return dims;
    }

    private long integer(String name, String what, JsonNode value) {
        if (!value.isIntegralNumber() || !value.canConvertToLong() || value.asLong() < 0) {
            throw invalid(
                    "tensor %s has a %s that is no whole number".formatted(quote(name), what));
        }
        return value.asLong();
    }

    private void checkFilled(List<Place> places, long bytes) {
        long at = 0;
        for (Place place : places) {
            if (place.from() != at) {
                throw invalid(
                        "tensor %s starts at %d, the one before it ends at %d"
                                .formatted(quote(place.tensor().name()), place.from(), at));
            }
            at = place.to();
        }
        if (at != bytes) {
            throw invalid("its tensors end at %d of %d bytes".formatted(at, bytes));
        }
    }

    private BatonException invalid(String what) {
        return CheckpointJson.invalid(source, what);
    }
}
