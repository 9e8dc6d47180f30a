package io.baton.common.model;

import io.baton.common.error.BatonException;
import io.baton.common.error.ErrorCode;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.List;

/**
 * Writes small GGUF version 3 files: metadata and tensors are collected in memory, in the order
 * given. For generated models and tests. Not safe for several threads.
 */
public final class GgufWriter {
    private record Pending(String name, TensorType type, long[] dims, byte[] data) {}

    private final LittleEndian metadata = new LittleEndian();
    private final List<Pending> tensors = new ArrayList<>();
    private final int alignment;
    private long keys;

    /** A writer with GGUF's default alignment of 32 bytes. */
    public GgufWriter() {
        this(GgufLimits.DEFAULT_ALIGNMENT);
    }

    /**
     * @param alignment of tensor data, a power of two; written to the file unless it is the default
     */
    public GgufWriter(int alignment) {
        if (Integer.bitCount(alignment) != 1) {
            throw new IllegalArgumentException("alignment must be a power of two: " + alignment);
        }
        this.alignment = alignment;
        if (alignment != GgufLimits.DEFAULT_ALIGNMENT) {
            uint32("general.alignment", alignment);
        }
    }

    public GgufWriter string(String key, String value) {
        key(key, GgufValueType.STRING).text(value);
        return this;
    }

    public GgufWriter uint32(String key, int value) {
        key(key, GgufValueType.UINT32).int32(value);
        return this;
    }

    public GgufWriter float32(String key, float value) {
        key(key, GgufValueType.FLOAT32).int32(Float.floatToRawIntBits(value));
        return this;
    }

    public GgufWriter bool(String key, boolean value) {
        key(key, GgufValueType.BOOL).int8(value ? 1 : 0);
        return this;
    }

    public GgufWriter strings(String key, List<String> values) {
        LittleEndian out = array(key, GgufValueType.STRING, values.size());
        values.forEach(out::text);
        return this;
    }

    public GgufWriter ints(String key, int[] values) {
        LittleEndian out = array(key, GgufValueType.INT32, values.length);
        for (int value : values) {
            out.int32(value);
        }
        return this;
    }

    public GgufWriter floats(String key, float[] values) {
        LittleEndian out = array(key, GgufValueType.FLOAT32, values.length);
        for (float value : values) {
            out.int32(Float.floatToRawIntBits(value));
        }
        return this;
    }

    /**
     * Adds a tensor.
     *
     * @param dims ggml's order, innermost first
     * @param data exactly the bytes of such a tensor
     */
    public GgufWriter tensor(String name, TensorType type, long[] dims, byte[] data) {
        long elements = 1;
        for (long dim : dims) {
            elements = Math.multiplyExact(elements, dim);
        }
        if (type.bytes(elements) != data.length) {
            throw new IllegalArgumentException(
                    "%s: %d elements of %s take %d bytes, got %d"
                            .formatted(name, elements, type, type.bytes(elements), data.length));
        }
        tensors.add(new Pending(name, type, dims.clone(), data.clone()));
        return this;
    }

    /** The whole file. */
    public byte[] toBytes() {
        LittleEndian out = new LittleEndian();
        out.int32(GgufLimits.MAGIC);
        out.int32(3);
        out.int64(tensors.size());
        out.int64(keys);
        out.bytes(metadata.toByteArray());
        long offset = 0;
        for (Pending tensor : tensors) {
            out.text(tensor.name());
            out.int32(tensor.dims().length);
            for (long dim : tensor.dims()) {
                out.int64(dim);
            }
            out.int32(tensor.type().id());
            out.int64(offset);
            offset += padded(tensor.data().length);
        }
        out.bytes(new byte[padded(out.size()) - out.size()]);
        for (Pending tensor : tensors) {
            out.bytes(tensor.data());
            out.bytes(new byte[padded(tensor.data().length) - tensor.data().length]);
        }
        return out.toByteArray();
    }

    /** Writes the file beside its place and moves it there: never half a file at {@code path}. */
    public void write(Path path) {
        try {
            Path folder = path.toAbsolutePath().getParent();
            if (folder != null) {
                Files.createDirectories(folder);
            }
            Path part =
                    path.resolveSibling(
                            path.getFileName() + ".part" + ProcessHandle.current().pid());
            try {
                Files.write(part, toBytes());
                Files.move(
                        part,
                        path,
                        StandardCopyOption.ATOMIC_MOVE,
                        StandardCopyOption.REPLACE_EXISTING);
            } finally {
                Files.deleteIfExists(part);
            }
        } catch (IOException e) {
            throw new BatonException(
                    ErrorCode.INTERNAL,
                    "the model file %s cannot be written: %s. Check rights and free space."
                            .formatted(path, e),
                    null,
                    e);
        }
    }

    private int padded(int bytes) {
        return Math.addExact(bytes, alignment - 1) & -alignment;
    }

    private LittleEndian key(String key, GgufValueType type) {
        keys++;
        metadata.text(key);
        metadata.int32(type.id());
        return metadata;
    }

    private LittleEndian array(String key, GgufValueType element, int count) {
        LittleEndian out = key(key, GgufValueType.ARRAY);
        out.int32(element.id());
        out.int64(count);
        return out;
    }

    /** A growing byte array with little-endian fields. */
    private static final class LittleEndian extends ByteArrayOutputStream {
        private final ByteBuffer scratch = ByteBuffer.allocate(8).order(ByteOrder.LITTLE_ENDIAN);

        void int8(int value) {
            write(value);
        }

        void int32(int value) {
            write(scratch.putInt(0, value).array(), 0, 4);
        }

        void int64(long value) {
            write(scratch.putLong(0, value).array(), 0, 8);
        }

        void text(String value) {
            byte[] utf8 = value.getBytes(StandardCharsets.UTF_8);
            int64(utf8.length);
            bytes(utf8);
        }

        void bytes(byte[] value) {
            write(value, 0, value.length);
        }
    }
}
