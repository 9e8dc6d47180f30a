package io.baton.common.model;

import io.baton.common.error.BatonException;
import io.baton.common.error.ErrorCode;
import java.io.BufferedOutputStream;
import java.io.ByteArrayOutputStream;
import java.io.FilterOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.List;

/**
 * Writes GGUF version 3 files: metadata is collected in memory, in the order given; tensors too, or
 * they are produced while the file is written. For generated models and tests. Not safe for several
 * threads.
 */
public final class GgufWriter {
    private static final int STREAM_BYTES = 1 << 20;

    private record Pending(String name, TensorType type, long[] dims, long bytes, Source data) {}

    /** Produces a tensor's bytes when the file is written. */
    @FunctionalInterface
    public interface Source {
        /** Writes exactly the tensor's bytes. */
        void writeTo(OutputStream out) throws IOException;
    }

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
        long bytes = bytes(type, dims);
        if (bytes != data.length) {
            throw new IllegalArgumentException(
                    "%s of %s takes %d bytes, got %d".formatted(name, type, bytes, data.length));
        }
        byte[] copy = data.clone();
        return tensor(name, type, dims, out -> out.write(copy));
    }

    /**
     * Adds a tensor that is produced when the file is written, once in the order of the tensors.
     *
     * @param dims ggml's order, innermost first
     */
    public GgufWriter tensor(String name, TensorType type, long[] dims, Source data) {
        tensors.add(new Pending(name, type, dims.clone(), bytes(type, dims), data));
        return this;
    }

    private static long bytes(TensorType type, long[] dims) {
        long elements = 1;
        for (long dim : dims) {
            elements = Math.multiplyExact(elements, dim);
        }
        return type.bytes(elements);
    }

    /** The whole file. */
    public byte[] toBytes() {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        try {
            writeTo(out);
        } catch (IOException e) {
            throw new UncheckedIOException("memory takes every byte", e);
        }
        return out.toByteArray();
    }

    private void writeTo(OutputStream file) throws IOException {
        byte[] header = header();
        file.write(header);
        for (Pending tensor : tensors) {
            Counted counted = new Counted(file);
            tensor.data().writeTo(counted);
            if (counted.bytes != tensor.bytes()) {
                throw new IllegalStateException(
                        "%s takes %d bytes, got %d"
                                .formatted(tensor.name(), tensor.bytes(), counted.bytes));
            }
            file.write(new byte[Math.toIntExact(padded(tensor.bytes()) - tensor.bytes())]);
        }
    }

    /** Everything before the first tensor's bytes. */
    private byte[] header() {
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
            offset += padded(tensor.bytes());
        }
        out.bytes(new byte[Math.toIntExact(padded(out.size()) - out.size())]);
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
                try (OutputStream out =
                        new BufferedOutputStream(Files.newOutputStream(part), STREAM_BYTES)) {
                    writeTo(out);
                }
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

    private long padded(long bytes) {
        return Math.addExact(bytes, alignment - 1L) & -alignment;
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

    /** Passes bytes on and counts them. */
    private static final class Counted extends FilterOutputStream {
        private long bytes;

        Counted(OutputStream out) {
            super(out);
        }

        @Override
        public void write(int value) throws IOException {
            out.write(value);
            bytes++;
        }

        @Override
        public void write(byte[] values, int offset, int length) throws IOException {
            out.write(values, offset, length);
            bytes += length;
        }
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
