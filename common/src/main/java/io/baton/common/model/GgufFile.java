package io.baton.common.model;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;

import io.baton.common.error.BatonException;
import io.baton.common.error.ErrorCode;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Arrays;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.OptionalLong;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * A GGUF model file, version 2 or 3, little-endian, mapped into memory. Opening reads the header
 * alone and checks all of it (the file is taken for hostile); metadata is decoded when asked for,
 * tensors are slices of the map. Safe for any thread. Nothing of it may be used after {@link
 * #close}.
 *
 * <p>Every fault of the file is a {@link BatonException} MODEL_FILE_INVALID.
 */
public final class GgufFile implements ModelFile {
    private static final VarHandle LONGS =
            MethodHandles.byteArrayViewVarHandle(long[].class, ByteOrder.LITTLE_ENDIAN);
    private static final ValueLayout.OfLong LONG =
            ValueLayout.JAVA_LONG_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    private static final ValueLayout.OfInt INT =
            ValueLayout.JAVA_INT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    private static final ValueLayout.OfShort SHORT =
            ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    private static final ValueLayout.OfFloat FLOAT =
            ValueLayout.JAVA_FLOAT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    private static final ValueLayout.OfDouble DOUBLE =
            ValueLayout.JAVA_DOUBLE_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

    private final String source;
    private final MemorySegment file;
    private final @Nullable Arena arena;
    private final GgufParser.Header header;
    private final Map<String, GgufTensor> tensorsByName;

    private GgufFile(String source, MemorySegment file, @Nullable Arena arena) {
        this.source = source;
        this.file = file.asReadOnly();
        this.arena = arena;
        this.header = new GgufParser(source, this.file).parse();
        this.tensorsByName = LinkedHashMap.newLinkedHashMap(header.tensors().size());
        for (GgufTensor tensor : header.tensors()) {
            tensorsByName.put(tensor.name(), tensor);
        }
    }

    /** Maps a file. */
    public static GgufFile open(Path path) {
        Arena arena = Arena.ofShared();
        try (FileChannel channel = FileChannel.open(path, StandardOpenOption.READ)) {
            MemorySegment map =
                    channel.map(FileChannel.MapMode.READ_ONLY, 0, channel.size(), arena);
            return new GgufFile(path.toString(), map, arena);
        } catch (IOException e) {
            arena.close();
            throw new BatonException(
                    ErrorCode.MODEL_FILE_INVALID,
                    "%s cannot be read: %s. Check that it is there and readable."
                            .formatted(path, e),
                    null,
                    e);
        } catch (RuntimeException e) {
            arena.close();
            throw e;
        }
    }

    /** A file from bytes, which are copied to aligned native memory. */
    public static GgufFile ofBytes(byte[] bytes) {
        Arena arena = Arena.ofShared();
        try {
            MemorySegment copy = arena.allocate(Math.max(1, bytes.length), 64);
            MemorySegment.copy(bytes, 0, copy, JAVA_BYTE, 0, bytes.length);
            return new GgufFile("the given bytes", copy.asSlice(0, bytes.length), arena);
        } catch (RuntimeException e) {
            arena.close();
            throw e;
        }
    }

    /** A file over memory that the caller owns and keeps alive. */
    public static GgufFile ofBytes(MemorySegment bytes) {
        return new GgufFile("the given bytes", bytes, null);
    }

    @Override
    public String source() {
        return source;
    }

    /** Bytes of the whole file. */
    public long fileBytes() {
        return file.byteSize();
    }

    /** GGUF's version: 2 or 3. */
    public int version() {
        return header.version();
    }

    /** {@code general.architecture}. */
    @Override
    public String architecture() {
        return string("general.architecture")
                .orElseThrow(() -> invalid("key 'general.architecture' is missing"));
    }

    /** Metadata keys in file order. */
    public Set<String> keys() {
        return Collections.unmodifiableSet(header.values().keySet());
    }

    /** In file order. */
    @Override
    public List<GgufTensor> tensors() {
        return header.tensors();
    }

    @Override
    public Optional<GgufTensor> tensor(String name) {
        return Optional.ofNullable(tensorsByName.get(name));
    }

    @Override
    public GgufTensor require(String name) {
        GgufTensor tensor = tensorsByName.get(name);
        if (tensor == null) {
            throw invalid("tensor '%s' is missing".formatted(name));
        }
        return tensor;
    }

    @Override
    public Optional<String> string(String key) {
        GgufValue value = find(key, "a string", type -> type == GgufValueType.STRING);
        if (value == null) {
            return Optional.empty();
        }
        long length = file.get(LONG, value.offset());
        byte[] bytes = file.asSlice(value.offset() + 8, length).toArray(JAVA_BYTE);
        return Optional.of(decode(bytes, 0, bytes.length, key));
    }

    @Override
    public OptionalLong integer(String key) {
        GgufValue value = find(key, "an integer", GgufValueType::isInteger);
        return value == null
                ? OptionalLong.empty()
                : OptionalLong.of(integerAt(value.element(), value.offset(), key));
    }

    @Override
    public OptionalDouble number(String key) {
        GgufValue value =
                find(
                        key,
                        "a number",
                        type ->
                                type.isInteger()
                                        || type == GgufValueType.FLOAT32
                                        || type == GgufValueType.FLOAT64);
        if (value == null) {
            return OptionalDouble.empty();
        }
        return OptionalDouble.of(
                switch (value.type()) {
                    case FLOAT32 -> file.get(FLOAT, value.offset());
                    case FLOAT64 -> file.get(DOUBLE, value.offset());
                    case UINT8,
                            INT8,
                            UINT16,
                            INT16,
                            UINT32,
                            INT32,
                            UINT64,
                            INT64,
                            BOOL,
                            STRING,
                            ARRAY ->
                            integerAt(value.element(), value.offset(), key);
                });
    }

    @Override
    public Optional<Boolean> bool(String key) {
        GgufValue value = find(key, "a boolean", type -> type == GgufValueType.BOOL);
        if (value == null) {
            return Optional.empty();
        }
        byte flag = file.get(JAVA_BYTE, value.offset());
        if (flag != 0 && flag != 1) {
            throw invalid("key '%s' is neither true nor false but %d".formatted(key, flag & 0xff));
        }
        return Optional.of(flag == 1);
    }

    @Override
    public Optional<List<String>> strings(String key) {
        GgufValue value = findArray(key, "strings", type -> type == GgufValueType.STRING);
        if (value == null) {
            return Optional.empty();
        }
        // One copy, then plain array reads: a vocabulary has 10^5 strings.
        byte[] region =
                file.asSlice(value.offset(), value.end() - value.offset()).toArray(JAVA_BYTE);
        String[] strings = new String[Math.toIntExact(value.count())];
        int at = 0;
        for (int i = 0; i < strings.length; i++) {
            int length = (int) (long) LONGS.get(region, at);
            strings[i] = decode(region, at + 8, length, key);
            at += 8 + length;
        }
        return Optional.of(Arrays.asList(strings));
    }

    @Override
    public Optional<int[]> ints(String key) {
        GgufValue value = findArray(key, "integers", GgufValueType::isInteger);
        if (value == null) {
            return Optional.empty();
        }
        int[] ints = new int[Math.toIntExact(value.count())];
        if (value.element() == GgufValueType.INT32) {
            MemorySegment.copy(file, INT, value.offset(), ints, 0, ints.length);
            return Optional.of(ints);
        }
        for (int i = 0; i < ints.length; i++) {
            long at = value.offset() + (long) i * value.element().bytes();
            long element = integerAt(value.element(), at, key);
            if (element != (int) element) {
                throw invalid("key '%s' holds %d, beyond 32 bits".formatted(key, element));
            }
            ints[i] = (int) element;
        }
        return Optional.of(ints);
    }

    @Override
    public Optional<float[]> floats(String key) {
        GgufValue value = findArray(key, "floats", type -> type == GgufValueType.FLOAT32);
        if (value == null) {
            return Optional.empty();
        }
        float[] floats = new float[Math.toIntExact(value.count())];
        MemorySegment.copy(file, FLOAT, value.offset(), floats, 0, floats.length);
        return Optional.of(floats);
    }

    @Override
    public byte[] textArtifact() {
        int metadataEnd = Math.toIntExact(header.metadataEnd());
        int padded = (metadataEnd + header.alignment() - 1) & -header.alignment();
        byte[] bytes = new byte[padded];
        MemorySegment.copy(file, JAVA_BYTE, 0, bytes, 0, metadataEnd);
        LONGS.set(bytes, 8, 0L);
        return bytes;
    }

    /** SHA-256 of the whole file. */
    @Override
    public String fingerprint() {
        return Sha256.hex(file);
    }

    /** Ends the map. All tensors' data becomes invalid. Harmless if called twice. */
    @Override
    public void close() {
        if (arena != null && arena.scope().isAlive()) {
            arena.close();
        }
    }

    private @Nullable GgufValue find(
            String key, String wanted, java.util.function.Predicate<GgufValueType> fits) {
        GgufValue value = header.values().get(key);
        if (value != null && !fits.test(value.type())) {
            throw wrongType(key, value, wanted);
        }
        return value;
    }

    private @Nullable GgufValue findArray(
            String key, String elements, java.util.function.Predicate<GgufValueType> fits) {
        GgufValue value = header.values().get(key);
        if (value != null && (!value.isArray() || !fits.test(value.element()))) {
            throw wrongType(key, value, "an array of " + elements);
        }
        return value;
    }

    private BatonException wrongType(String key, GgufValue value, String wanted) {
        return invalid("key '%s' is %s, %s is wanted".formatted(key, value.label(), wanted));
    }

    private long integerAt(GgufValueType type, long at, String key) {
        return switch (type) {
            case UINT8 -> file.get(JAVA_BYTE, at) & 0xffL;
            case INT8 -> file.get(JAVA_BYTE, at);
            case UINT16 -> file.get(SHORT, at) & 0xffffL;
            case INT16 -> file.get(SHORT, at);
            case UINT32 -> Integer.toUnsignedLong(file.get(INT, at));
            case INT32 -> file.get(INT, at);
            case INT64 -> file.get(LONG, at);
            case UINT64 -> {
                long value = file.get(LONG, at);
                if (value < 0) {
                    throw invalid(
                            "key '%s' holds %s, beyond 2^63-1"
                                    .formatted(key, Long.toUnsignedString(value)));
                }
                yield value;
            }
            case FLOAT32, FLOAT64, BOOL, STRING, ARRAY ->
                    throw new IllegalArgumentException(type + " is no integer type");
        };
    }

    /** Strict UTF-8, at the price of the JDK's fast lenient decoder for all but suspects. */
    private String decode(byte[] bytes, int offset, int length, String key) {
        String text = new String(bytes, offset, length, StandardCharsets.UTF_8);
        if (text.indexOf('\uFFFD') >= 0) {
            try {
                StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(bytes, offset, length));
            } catch (CharacterCodingException e) {
                throw invalid("key '%s' holds a string that is not UTF-8".formatted(key));
            }
        }
        return text;
    }

    private BatonException invalid(String what) {
        return GgufLimits.invalid(source, what);
    }
}
