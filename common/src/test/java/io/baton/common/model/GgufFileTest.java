package io.baton.common.model;

import static io.baton.common.model.RawGguf.header;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.baton.common.error.BatonException;
import io.baton.common.error.ErrorCode;
import io.baton.common.testkit.RealModels;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;

class GgufFileTest {
    @TempDir Path folder;

    @Test
    void valuesOfAllTypesAreRead() {
        byte[] bytes =
                header(3, 0, 9)
                        .key("u8", GgufValueType.UINT8)
                        .int8(200)
                        .key("i32", GgufValueType.INT32)
                        .int32(-7)
                        .key("u32", GgufValueType.UINT32)
                        .int32(-1)
                        .key("u64", GgufValueType.UINT64)
                        .int64(Long.MAX_VALUE)
                        .key("f32", GgufValueType.FLOAT32)
                        .int32(Float.floatToIntBits(1.5f))
                        .key("f64", GgufValueType.FLOAT64)
                        .int64(Double.doubleToLongBits(2.25))
                        .key("yes", GgufValueType.BOOL)
                        .int8(1)
                        .key("s", GgufValueType.STRING)
                        .text("gr\u00fc\u00dfe \uD83D\uDE00 \uFFFD")
                        .array("a", GgufValueType.UINT8, 3)
                        .int8(1)
                        .int8(2)
                        .int8(255)
                        .bytes();
        try (GgufFile file = GgufFile.ofBytes(bytes)) {
            assertEquals(200, file.integer("u8").orElseThrow());
            assertEquals(-7, file.integer("i32").orElseThrow());
            assertEquals(0xffffffffL, file.integer("u32").orElseThrow());
            assertEquals(Long.MAX_VALUE, file.integer("u64").orElseThrow());
            assertEquals(1.5, file.number("f32").orElseThrow());
            assertEquals(2.25, file.number("f64").orElseThrow());
            assertEquals(-7, file.number("i32").orElseThrow());
            assertEquals(Optional.of(true), file.bool("yes"));
            assertEquals("gr\u00fc\u00dfe \uD83D\uDE00 \uFFFD", file.string("s").orElseThrow());
            assertArrayEquals(new int[] {1, 2, 255}, file.ints("a").orElseThrow());
            assertEquals(Optional.empty(), file.string("none"));
            assertEquals(9, file.keys().size());
        }
    }

    @Test
    void aKeyOfAnotherTypeIsAnErrorThatNamesIt() {
        try (GgufFile file = GgufFile.ofBytes(new GgufWriter().uint32("n", 1).toBytes())) {
            BatonException error = assertThrows(BatonException.class, () -> file.string("n"));
            assertEquals(ErrorCode.MODEL_FILE_INVALID, error.code());
            assertTrue(error.text().contains("'n' is uint32"), error.text());
            assertThrows(BatonException.class, () -> file.strings("n"));
            assertThrows(BatonException.class, () -> file.floats("n"));
            assertThrows(BatonException.class, () -> file.bool("n"));
        }
    }

    @Test
    void whatIsWrittenIsReadBack() {
        byte[] data = new byte[34 * 4];
        data[5] = 7;
        byte[] bytes =
                new GgufWriter(64)
                        .string("general.architecture", "x")
                        .strings("words", List.of("a", "", "\u0120b"))
                        .ints("ints", new int[] {-1, 5})
                        .floats("floats", new float[] {0.5f})
                        .tensor("t", TensorType.Q8_0, new long[] {64, 2}, data)
                        .tensor("v", TensorType.F32, new long[] {3}, new byte[12])
                        .toBytes();
        try (GgufFile file = GgufFile.ofBytes(bytes)) {
            assertEquals("x", file.architecture());
            assertEquals(List.of("a", "", "\u0120b"), file.strings("words").orElseThrow());
            assertArrayEquals(new int[] {-1, 5}, file.ints("ints").orElseThrow());
            assertArrayEquals(new float[] {0.5f}, file.floats("floats").orElseThrow());
            GgufTensor tensor = file.require("t");
            assertEquals(64, tensor.cols());
            assertEquals(2, tensor.rows());
            assertArrayEquals(data, tensor.data().toArray(ValueLayout.JAVA_BYTE));
            assertEquals(0, tensor.data().address() % 64);
            assertEquals(1, file.require("v").rows());
            assertThrows(BatonException.class, () -> file.require("w"));
        }
    }

    @ParameterizedTest
    @CsvSource({"2", "3"})
    void theTextArtifactHasTheSameMetadataAndNoTensors(int version) {
        byte[] bytes = TinyModel.llama().toBytes();
        bytes[4] = (byte) version;
        try (GgufFile file = GgufFile.ofBytes(bytes)) {
            byte[] artifact = file.textArtifact();
            assertTrue(artifact.length < bytes.length / 4);
            try (GgufFile text = GgufFile.ofBytes(artifact);
                    GgufFile heap = GgufFile.ofBytes(MemorySegment.ofArray(artifact))) {
                assertEquals(List.of(), text.tensors());
                assertEquals(file.keys(), text.keys());
                String tokens = "tokenizer.ggml.tokens";
                assertEquals(file.strings(tokens), text.strings(tokens));
                assertEquals(file.strings(tokens), heap.strings(tokens));
                assertNotEquals(file.fingerprint(), text.fingerprint());
            }
        }
    }

    @Test
    void theFingerprintIsTheSha256OfTheFile() throws IOException {
        Path path = folder.resolve("m.gguf");
        TinyModel.llama().write(path);
        try (GgufFile file = GgufFile.open(path)) {
            assertEquals(Sha256.hex(path), file.fingerprint());
            assertEquals(64, file.fingerprint().length());
            assertEquals(Files.size(path), file.fileBytes());
        }
    }

    static Stream<Arguments> hostileFiles() {
        RawGguf oneKey = header(3, 0, 1);
        return Stream.of(
                bad("nothing at all", new byte[0], "ends inside the header"),
                bad("half a header", new byte[20], "ends inside the header"),
                bad("another magic", header(3, 0, 0).bytes(), 0, "letters GGUF"),
                bad("version 1", header(1, 0, 0), "version 1"),
                bad("version 4", header(4, 0, 0), "version 4"),
                bad("big-endian", header(3 << 24, 0, 0), "big-endian"),
                bad("2^63 tensors", header(3, Long.MIN_VALUE, 0), "9223372036854775808 tensors"),
                bad("2^40 tensors", header(3, 1L << 40, 0), "tensors"),
                bad("2^63 keys", header(3, 0, Long.MIN_VALUE), "9223372036854775808 keys"),
                bad("more keys than bytes", header(3, 0, 60_000), "keys"),
                bad("key length 2^63", header(3, 0, 1).int64(Long.MIN_VALUE).zeros(40), "allowed"),
                bad("empty key", header(3, 0, 1).text("").zeros(40), "0 bytes"),
                bad("key beyond file", header(3, 0, 1).int64(500).zeros(40), "ends inside"),
                bad(
                        "key not UTF-8",
                        header(3, 0, 1).raw(new byte[] {'a', (byte) 0xc0}).zeros(40),
                        "not UTF-8"),
                bad(
                        "unknown value type",
                        header(3, 0, 1).text("k").int32(13).zeros(40),
                        "unknown value type 13"),
                bad(
                        "negative value type",
                        header(3, 0, 1).text("k").int32(-1).zeros(40),
                        "unknown value type 4294967295"),
                bad(
                        "string length beyond file",
                        header(3, 0, 1).key("k", GgufValueType.STRING).int64(1000).zeros(40),
                        "1000 bytes, 40 are left"),
                bad(
                        "string length 2^64-1",
                        header(3, 0, 1).key("k", GgufValueType.STRING).int64(-1).zeros(40),
                        "18446744073709551615 bytes"),
                bad(
                        "nested arrays",
                        header(3, 0, 1).array("k", GgufValueType.ARRAY, 1).zeros(40),
                        "nested arrays"),
                bad(
                        "array of 2^63",
                        header(3, 0, 1).array("k", GgufValueType.INT64, Long.MIN_VALUE).zeros(40),
                        "more than the file can hold"),
                bad(
                        "array of 2^62 longs: product overflows",
                        header(3, 0, 1).array("k", GgufValueType.INT64, 1L << 62).zeros(40),
                        "more than the file can hold"),
                bad(
                        "array of strings cut off",
                        header(3, 0, 1).array("k", GgufValueType.STRING, 5).text("a").zeros(31),
                        "ends inside"),
                bad(
                        "string in array beyond file",
                        header(3, 0, 1)
                                .array("k", GgufValueType.STRING, 2)
                                .text("a")
                                .int64(99)
                                .zeros(9),
                        "99 bytes"),
                bad(
                        "key twice",
                        header(3, 0, 2)
                                .key("k", GgufValueType.BOOL)
                                .int8(1)
                                .key("k", GgufValueType.BOOL)
                                .int8(1),
                        "'k' occurs twice"),
                bad("value cut off", oneKey.key("k", GgufValueType.UINT64).int32(1), "ends inside"),
                bad("alignment 0", alignment(0), "general.alignment is 0"),
                bad("alignment 48", alignment(48), "general.alignment is 48"),
                bad("alignment 2^31", alignment(1 << 31), "general.alignment is 2147483648"),
                bad(
                        "alignment of another type",
                        header(3, 0, 1).key("general.alignment", GgufValueType.BOOL).int8(1),
                        "not uint32"));
    }

    static Stream<Arguments> hostileTensors() {
        TensorType f32 = TensorType.F32;
        return Stream.of(
                bad("no dimensions", one(f32, 0, new long[0]), "0 dimensions"),
                bad("five dimensions", one(f32, 0, 1, 1, 1, 1, 1), "5 dimensions"),
                bad("dimension 0", one(f32, 0, 0), "a dimension of 0"),
                bad("dimension -1", one(f32, 0, -1), "18446744073709551615"),
                bad("product overflow", one(f32, 0, 1L << 40, 1L << 40), "2^63 elements"),
                bad("bytes overflow", one(f32, 0, 1L << 31, 1L << 31), "2^31-1"),
                bad("wide row", one(f32, 0, 1L << 33), "2^31-1"),
                bad("row no multiple of the block", one(TensorType.Q8_0, 0, 31), "blocks of 32"),
                bad("offset not aligned", one(f32, 4, 4), "a multiple of 32"),
                bad("offset negative", one(f32, -32, 4), "a multiple of 32"),
                bad("offset near 2^63", one(f32, Long.MAX_VALUE - 31, 4), "needs 16 bytes"),
                bad("offset beyond file", one(f32, 1 << 20, 4), "needs 16 bytes at 1048576"),
                bad("tensor beyond file", one(f32, 0, 1000), "needs 4000 bytes"),
                bad(
                        "name of 65 bytes",
                        header(3, 1, 0).tensor("n".repeat(65), f32, 0, 4).align().zeros(64),
                        "65 bytes, 1 to 64"),
                bad(
                        "name not UTF-8",
                        header(3, 1, 0)
                                .raw(new byte[] {(byte) 0xff})
                                .int32(1)
                                .int64(4)
                                .int32(0)
                                .int64(0)
                                .align()
                                .zeros(64),
                        "not UTF-8"),
                bad(
                        "unknown type",
                        header(3, 1, 0)
                                .text("t")
                                .int32(1)
                                .int64(4)
                                .int32(99)
                                .int64(0)
                                .align()
                                .zeros(64),
                        "type id 99"),
                bad(
                        "name twice",
                        header(3, 2, 0)
                                .tensor("t", f32, 0, 4)
                                .tensor("t", f32, 32, 4)
                                .align()
                                .zeros(64),
                        "'t' occurs twice"),
                bad(
                        "overlap",
                        header(3, 2, 0)
                                .tensor("a", f32, 0, 16)
                                .tensor("b", f32, 32, 4)
                                .align()
                                .zeros(64),
                        "'a' and 'b' overlap"),
                bad(
                        "same place",
                        header(3, 2, 0)
                                .tensor("a", f32, 0, 4)
                                .tensor("b", f32, 0, 4)
                                .align()
                                .zeros(64),
                        "overlap"),
                bad(
                        "tensor list cut off",
                        header(3, 1, 0).text("tensor").int32(2).int64(4).zeros(8),
                        "ends inside tensor"));
    }

    @ParameterizedTest(name = "{0}")
    @MethodSource({"hostileFiles", "hostileTensors"})
    void aHostileFileGetsAClearError(String name, byte[] bytes, String says) throws IOException {
        assertInvalid(says, () -> GgufFile.ofBytes(bytes).close());
        Path path = folder.resolve("hostile.gguf");
        Files.write(path, bytes);
        assertInvalid(says, () -> GgufFile.open(path).close());
        assertInvalid("hostile.gguf", () -> GgufFile.open(path).close());
    }

    @Test
    void badValuesInsideAreErrorsWhenAskedFor() {
        byte[] bytes =
                header(3, 0, 4)
                        .key("flag", GgufValueType.BOOL)
                        .int8(7)
                        .key("big", GgufValueType.UINT64)
                        .int64(-1)
                        .array("wide", GgufValueType.INT64, 1)
                        .int64(1L << 40)
                        .key("text", GgufValueType.STRING)
                        .raw(new byte[] {'a', (byte) 0x80})
                        .bytes();
        try (GgufFile file = GgufFile.ofBytes(bytes)) {
            assertInvalid("neither true nor false", () -> file.bool("flag"));
            assertInvalid("beyond 2^63-1", () -> file.integer("big"));
            assertInvalid("beyond 32 bits", () -> file.ints("wide"));
            assertInvalid("not UTF-8", () -> file.string("text"));
            assertInvalid("general.architecture", file::architecture);
        }
    }

    @Test
    void aMissingFileIsNamed() {
        assertInvalid("none.gguf", () -> GgufFile.open(folder.resolve("none.gguf")));
    }

    @ParameterizedTest
    @CsvSource({"smollm2-135m, llama, 272, 49152", "gemma3-270m, gemma3, 236, 262144"})
    void realFilesOpen(String name, String family, int tensors, int vocabulary) {
        Path path = RealModels.require(name);
        try (GgufFile file = GgufFile.open(path)) {
            assertEquals(family, file.architecture());
            assertEquals(tensors, file.tensors().size());
            assertEquals(vocabulary, file.strings("tokenizer.ggml.tokens").orElseThrow().size());
            assertEquals(
                    ModelCatalogue.find(name).orElseThrow().sources().getFirst().sha256(),
                    file.fingerprint());
            assertFalse(file.require("token_embd.weight").data().asByteBuffer().hasArray());
        }
    }

    private static RawGguf one(TensorType type, long offset, long... dims) {
        return header(3, 1, 0).tensor("t", type, offset, dims).align().zeros(64);
    }

    private static RawGguf alignment(int value) {
        return header(3, 0, 1).key("general.alignment", GgufValueType.UINT32).int32(value);
    }

    private static Arguments bad(String name, RawGguf file, String says) {
        return Arguments.of(name, file.bytes(), says);
    }

    private static Arguments bad(String name, byte[] file, String says) {
        return Arguments.of(name, file, says);
    }

    private static Arguments bad(String name, byte[] file, int broken, String says) {
        file[broken] ^= 1;
        return Arguments.of(name, file, says);
    }

    private static void assertInvalid(
            String says, org.junit.jupiter.api.function.Executable action) {
        BatonException error = assertThrows(BatonException.class, action);
        assertEquals(ErrorCode.MODEL_FILE_INVALID, error.code());
        assertTrue(error.text().contains(says), error.text());
    }
}
