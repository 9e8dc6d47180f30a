package io.baton.common.model;

import static io.baton.common.model.GgufLimits.DEFAULT_ALIGNMENT;
import static io.baton.common.model.GgufLimits.HEADER_BYTES;
import static io.baton.common.model.GgufLimits.MAGIC;
import static io.baton.common.model.GgufLimits.MAX_ALIGNMENT;
import static io.baton.common.model.GgufLimits.MAX_DIMS;
import static io.baton.common.model.GgufLimits.MAX_KEYS;
import static io.baton.common.model.GgufLimits.MAX_KEY_BYTES;
import static io.baton.common.model.GgufLimits.MAX_METADATA_BYTES;
import static io.baton.common.model.GgufLimits.MAX_TENSORS;
import static io.baton.common.model.GgufLimits.MAX_TENSOR_NAME_BYTES;

import io.baton.common.error.BatonException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * One pass over a GGUF header: finds every value and tensor, checks every length against the file
 * before it is used, and decodes nothing but names. One thread, one use.
 *
 * <p>Layout (ggml's gguf.md): magic, version, tensor count, key count; keys with typed values;
 * tensor infos (name, dimensions, type, offset); padding to the alignment; tensor data.
 */
final class GgufParser {
    private static final ValueLayout.OfInt INT =
            ValueLayout.JAVA_INT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    private static final ValueLayout.OfLong LONG =
            ValueLayout.JAVA_LONG_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

    /**
     * What a header says.
     *
     * @param version 2 or 3
     * @param alignment of tensor data
     * @param values by key, in file order
     * @param metadataEnd offset of the first byte after the last value
     * @param tensors in file order
     */
    record Header(
            int version,
            int alignment,
            Map<String, GgufValue> values,
            long metadataEnd,
            List<GgufTensor> tensors) {}

    private record Info(String name, TensorType type, long[] dims, long offset, long bytes) {}

    private final String source;
    private final MemorySegment file;
    private final long limit;
    private long at;

    GgufParser(String source, MemorySegment file) {
        this.source = source;
        this.file = file;
        this.limit = Math.min(file.byteSize(), MAX_METADATA_BYTES);
    }

    Header parse() {
        try {
            return parseChecked();
        } catch (ArithmeticException e) {
            throw invalid("a size or offset exceeds 64 bits");
        }
    }

    private Header parseChecked() {
        need(HEADER_BYTES, "the header");
        int magic = int32();
        if (magic != MAGIC) {
            throw invalid("it does not start with the letters GGUF");
        }
        int version = int32();
        if (version != 2 && version != 3) {
            boolean bigEndian = version == 2 << 24 || version == 3 << 24;
            throw invalid(
                    bigEndian
                            ? "it is big-endian; only little-endian files are read"
                            : "version %s, only 2 and 3 are read"
                                    .formatted(Integer.toUnsignedString(version)));
        }
        // A tensor info takes at least 33 bytes, a key with its value at least 14.
        long tensorCount = count("tensors", MAX_TENSORS, 33);
        long keyCount = count("keys", MAX_KEYS, 14);
        Map<String, GgufValue> values = values((int) keyCount);
        long metadataEnd = at;
        int alignment = alignment(values);
        List<Info> infos = infos((int) tensorCount, alignment);
        long dataStart = alignUp(at, alignment);
        return new Header(version, alignment, values, metadataEnd, tensors(infos, dataStart));
    }

    private Map<String, GgufValue> values(int keyCount) {
        Map<String, GgufValue> values = LinkedHashMap.newLinkedHashMap(keyCount);
        for (int i = 0; i < keyCount; i++) {
            String key = text("name of key " + i, MAX_KEY_BYTES);
            GgufValue value = value(key);
            if (values.put(key, value) != null) {
                throw invalid("key %s occurs twice".formatted(quote(key)));
            }
        }
        return values;
    }

    private GgufValue value(String key) {
        need(4, "the type of " + quote(key));
        GgufValueType type = valueType(int32(), key);
        if (type != GgufValueType.ARRAY) {
            long start = at;
            skip(type, 1, key);
            return new GgufValue(type, type, start, 1, at);
        }
        need(12, "the array " + quote(key));
        GgufValueType element = valueType(int32(), key);
        if (element == GgufValueType.ARRAY) {
            throw invalid("key %s holds nested arrays".formatted(quote(key)));
        }
        long count = int64();
        long least = element == GgufValueType.STRING ? 8 : element.bytes();
        if (count < 0 || count > (limit - at) / least) {
            throw invalid(
                    "array %s says %s elements, more than the file can hold"
                            .formatted(quote(key), Long.toUnsignedString(count)));
        }
        long start = at;
        skip(element, count, key);
        return new GgufValue(type, element, start, count, at);
    }

    private void skip(GgufValueType type, long count, String key) {
        if (type != GgufValueType.STRING) {
            long bytes = Math.multiplyExact(count, (long) type.bytes());
            need(bytes, "the value of " + quote(key));
            at += bytes;
            return;
        }
        long position = at;
        for (long i = 0; i < count; i++) {
            if (limit - position < 8) {
                throw cutOff("the value of " + quote(key));
            }
            long length = file.get(LONG, position);
            position += 8;
            if (length < 0 || length > limit - position) {
                throw invalid(
                        "a string in key %s says %s bytes, %d are left"
                                .formatted(
                                        quote(key),
                                        Long.toUnsignedString(length),
                                        limit - position));
            }
            position += length;
        }
        at = position;
    }

    private GgufValueType valueType(int id, String key) {
        GgufValueType type = GgufValueType.ofId(id);
        if (type == null) {
            throw invalid(
                    "key %s has the unknown value type %s"
                            .formatted(quote(key), Integer.toUnsignedString(id)));
        }
        return type;
    }

    private int alignment(Map<String, GgufValue> values) {
        GgufValue value = values.get("general.alignment");
        if (value == null) {
            return DEFAULT_ALIGNMENT;
        }
        if (value.type() != GgufValueType.UINT32) {
            throw invalid("general.alignment is %s, not uint32".formatted(value.label()));
        }
        long alignment = Integer.toUnsignedLong(file.get(INT, value.offset()));
        if (Long.bitCount(alignment) != 1 || alignment > MAX_ALIGNMENT) {
            throw invalid(
                    "general.alignment is %d; a power of two up to %d is wanted"
                            .formatted(alignment, MAX_ALIGNMENT));
        }
        return (int) alignment;
    }

    private List<Info> infos(int tensorCount, int alignment) {
        List<Info> infos = new ArrayList<>(tensorCount);
        Map<String, Integer> seen = LinkedHashMap.newLinkedHashMap(tensorCount);
        for (int i = 0; i < tensorCount; i++) {
            Info info = info(i, alignment);
            if (seen.put(info.name(), i) != null) {
                throw invalid("tensor %s occurs twice".formatted(quote(info.name())));
            }
            infos.add(info);
        }
        return infos;
    }

    private Info info(int index, int alignment) {
        String name = text("name of tensor " + index, MAX_TENSOR_NAME_BYTES);
        need(4, "tensor " + quote(name));
        int dimensions = int32();
        if (dimensions < 1 || dimensions > MAX_DIMS) {
            throw invalid(
                    "tensor %s has %s dimensions, 1 to %d are read"
                            .formatted(
                                    quote(name), Integer.toUnsignedString(dimensions), MAX_DIMS));
        }
        need(8L * dimensions + 12, "tensor " + quote(name));
        long[] dims = new long[dimensions];
        long elements = 1;
        for (int d = 0; d < dimensions; d++) {
            dims[d] = int64();
            if (dims[d] < 1) {
                throw invalid(
                        "tensor %s has a dimension of %s"
                                .formatted(quote(name), Long.toUnsignedString(dims[d])));
            }
            elements = product(elements, dims[d], name);
        }
        long rows = elements / dims[0];
        if (dims[0] > Integer.MAX_VALUE || rows > Integer.MAX_VALUE) {
            throw invalid(
                    "tensor %s has the shape %s; rows and columns up to 2^31-1 are read"
                            .formatted(quote(name), Arrays.toString(dims)));
        }
        TensorType type = tensorType(int32(), name);
        if (dims[0] % type.blockElements() != 0) {
            throw invalid(
                    "tensor %s has rows of %d elements, %s comes in blocks of %d"
                            .formatted(quote(name), dims[0], type, type.blockElements()));
        }
        long bytes = type.bytes(elements);
        long offset = int64();
        if (offset < 0 || offset % alignment != 0) {
            throw invalid(
                    "tensor %s starts at offset %s, a multiple of %d is wanted"
                            .formatted(quote(name), Long.toUnsignedString(offset), alignment));
        }
        return new Info(name, type, dims, offset, bytes);
    }

    private long product(long a, long b, String name) {
        try {
            return Math.multiplyExact(a, b);
        } catch (ArithmeticException e) {
            throw invalid("tensor %s has more than 2^63 elements".formatted(quote(name)));
        }
    }

    private TensorType tensorType(int id, String name) {
        return TensorType.ofId(id)
                .orElseThrow(
                        () ->
                                invalid(
                                        "tensor %s has the type id %s; Baton reads %s"
                                                .formatted(
                                                        quote(name),
                                                        Integer.toUnsignedString(id),
                                                        Arrays.toString(TensorType.values()))));
    }

    private List<GgufTensor> tensors(List<Info> infos, long dataStart) {
        long dataBytes = Math.max(0, file.byteSize() - dataStart);
        for (Info info : infos) {
            if (info.offset() > dataBytes || info.bytes() > dataBytes - info.offset()) {
                throw invalid(
                        "tensor %s needs %d bytes at %d, the file has %d bytes of tensor data"
                                .formatted(
                                        quote(info.name()),
                                        info.bytes(),
                                        info.offset(),
                                        dataBytes));
            }
        }
        checkOverlap(infos);
        List<GgufTensor> tensors = new ArrayList<>(infos.size());
        for (Info info : infos) {
            MemorySegment data = file.asSlice(dataStart + info.offset(), info.bytes());
            tensors.add(new GgufTensor(info.name(), info.type(), info.dims(), data));
        }
        return List.copyOf(tensors);
    }

    private void checkOverlap(List<Info> infos) {
        List<Info> byOffset = new ArrayList<>(infos);
        byOffset.sort(Comparator.comparingLong(Info::offset));
        for (int i = 1; i < byOffset.size(); i++) {
            Info before = byOffset.get(i - 1);
            Info after = byOffset.get(i);
            if (before.offset() + before.bytes() > after.offset()) {
                throw invalid(
                        "tensors %s and %s overlap"
                                .formatted(quote(before.name()), quote(after.name())));
            }
        }
    }

    private long count(String what, long most, long bytesEach) {
        long count = int64();
        long fits = (limit - HEADER_BYTES) / bytesEach;
        if (count < 0 || count > Math.min(most, fits)) {
            throw invalid(
                    "it says %s %s; the limit is %d and %d would fit into the file"
                            .formatted(Long.toUnsignedString(count), what, most, fits));
        }
        return count;
    }

    /** A name: short, and strictly UTF-8, since messages and look-ups rely on it. */
    private String text(String what, long mostBytes) {
        need(8, "the " + what);
        long length = int64();
        if (length < 1 || length > mostBytes) {
            throw invalid(
                    "the %s says %s bytes, 1 to %d are allowed"
                            .formatted(what, Long.toUnsignedString(length), mostBytes));
        }
        need(length, "the " + what);
        byte[] bytes = file.asSlice(at, length).toArray(ValueLayout.JAVA_BYTE);
        at += length;
        try {
            return StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(bytes)).toString();
        } catch (CharacterCodingException e) {
            throw invalid("the %s is not UTF-8".formatted(what));
        }
    }

    private static long alignUp(long offset, int alignment) {
        return Math.addExact(offset, alignment - 1L) & -alignment;
    }

    private int int32() {
        int value = file.get(INT, at);
        at += 4;
        return value;
    }

    private long int64() {
        long value = file.get(LONG, at);
        at += 8;
        return value;
    }

    private void need(long bytes, String what) {
        if (bytes > limit - at) {
            throw cutOff(what);
        }
    }

    private BatonException cutOff(String what) {
        return file.byteSize() > MAX_METADATA_BYTES
                ? invalid("%s lies beyond the first GiB".formatted(what))
                : invalid("it ends inside %s".formatted(what));
    }

    private BatonException invalid(String what) {
        return GgufLimits.invalid(source, what);
    }

    /** A name in a message: bounded, without control characters. */
    private static String quote(String name) {
        String printable = name.replaceAll("\\p{Cntrl}", "?");
        return "'"
                + (printable.length() > 80 ? printable.substring(0, 80) + "..." : printable)
                + "'";
    }
}
