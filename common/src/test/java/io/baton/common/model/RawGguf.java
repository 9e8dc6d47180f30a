package io.baton.common.model;

import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;

/** GGUF bytes field by field, right or wrong as a test wants them. */
final class RawGguf {
    private final ByteArrayOutputStream out = new ByteArrayOutputStream();

    static RawGguf header(int version, long tensors, long keys) {
        return new RawGguf().int32(GgufLimits.MAGIC).int32(version).int64(tensors).int64(keys);
    }

    RawGguf int8(int value) {
        out.write(value);
        return this;
    }

    RawGguf int32(int value) {
        byte[] bytes = new byte[4];
        ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN).putInt(value);
        out.writeBytes(bytes);
        return this;
    }

    RawGguf int64(long value) {
        byte[] bytes = new byte[8];
        ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN).putLong(value);
        out.writeBytes(bytes);
        return this;
    }

    RawGguf text(String value) {
        return raw(value.getBytes(StandardCharsets.UTF_8));
    }

    /** A length and bytes that need not be UTF-8. */
    RawGguf raw(byte[] bytes) {
        int64(bytes.length);
        out.writeBytes(bytes);
        return this;
    }

    RawGguf zeros(int count) {
        out.writeBytes(new byte[count]);
        return this;
    }

    RawGguf key(String key, GgufValueType type) {
        return text(key).int32(type.id());
    }

    RawGguf array(String key, GgufValueType element, long count) {
        return key(key, GgufValueType.ARRAY).int32(element.id()).int64(count);
    }

    RawGguf tensor(String name, TensorType type, long offset, long... dims) {
        text(name).int32(dims.length);
        for (long dim : dims) {
            int64(dim);
        }
        return int32(type.id()).int64(offset);
    }

    RawGguf align() {
        return zeros(-out.size() & 31);
    }

    byte[] bytes() {
        return out.toByteArray();
    }
}
