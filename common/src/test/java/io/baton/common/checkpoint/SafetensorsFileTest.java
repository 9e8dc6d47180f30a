package io.baton.common.checkpoint;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assertions.fail;

import io.baton.common.error.BatonException;
import io.baton.common.error.ErrorCode;
import io.baton.common.model.GgufTensor;
import io.baton.common.model.Sha256;
import io.baton.common.model.TensorType;
import io.baton.common.testkit.Safetensors;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Safetensors files, whole ones and hostile ones. */
class SafetensorsFileTest {
    private static final int MUTATIONS = 3_000;

    private static byte[] small() {
        return Safetensors.of(
                List.of(
                        new Safetensors.Tensor(
                                "a",
                                TensorType.F32,
                                new int[] {2, 3},
                                new float[] {1, 2, 3, 4, 5, 6}),
                        new Safetensors.Tensor(
                                "b", TensorType.BF16, new int[] {2}, new float[] {1, -1}),
                        new Safetensors.Tensor(
                                "c", TensorType.F16, new int[] {1, 2}, new float[] {2, 3})));
    }

    private static List<GgufTensor> parse(byte[] bytes) {
        return SafetensorsFile.parse("test.safetensors", MemorySegment.ofArray(bytes));
    }

    @Test
    void readsNamesShapesAndPlaces() {
        List<GgufTensor> tensors = parse(small());
        assertEquals(List.of("a", "b", "c"), tensors.stream().map(GgufTensor::name).toList());
        assertArrayEquals(new long[] {3, 2}, tensors.getFirst().dims());
        assertEquals(2, tensors.getFirst().rows());
        assertEquals(TensorType.BF16, tensors.get(1).type());
        assertEquals(24, tensors.getFirst().data().byteSize());
        assertEquals(4, tensors.get(2).data().byteSize());
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '~',
            quoteCharacter = '`',
            value = {
                "{\"a\":{\"dtype\":\"I64\",\"shape\":[1],\"data_offsets\":[0,8]}} ~ tensor 'a' is 'I64'",
                "{\"a\":{\"dtype\":\"F32\",\"shape\":[3],\"data_offsets\":[0,8]}} ~ takes 12 bytes",
                "{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[4,12]}} ~ says 4 to 12 of 8",
                "{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]}} ~ end at 4 of 8 bytes",
                "{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[4,8]}} ~ starts at 4",
                "{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[8,0]}} ~ says 8 to 0",
                "{\"a\":{\"dtype\":\"F32\",\"shape\":[-2],\"data_offsets\":[0,8]}} ~ no whole number",
                "{\"a\":{\"dtype\":\"F32\",\"shape\":[2.5],\"data_offsets\":[0,8]}} ~ no whole number",
                "{\"a\":{\"dtype\":\"F32\",\"shape\":[0],\"data_offsets\":[0,0]}} ~ dimension of 0",
                "{\"a\":{\"dtype\":\"F32\",\"shape\":[],\"data_offsets\":[0,8]}} ~ no shape",
                "{\"a\":{\"dtype\":\"F32\",\"shape\":[1,1,1,1,2],\"data_offsets\":[0,8]}} ~ no shape",
                "{\"a\":{\"dtype\":\"F32\",\"shape\":[2]}} ~ no data_offsets",
                "{\"a\":{\"dtype\":\"F32\",\"shape\":[9223372036854775807,2],\"data_offsets\":[0,8]}} ~ exceeds 64 bits",
                "{\"a\":{\"dtype\":\"F32\",\"shape\":[4294967296,1],\"data_offsets\":[0,8]}} ~ too large",
                "{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]},\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]}} ~ not valid JSON",
                "{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]},\"b\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[4,8]}} ~ starts at 4",
                "{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]}}{} ~ not valid JSON",
                "[1,2] ~ not one JSON object"
            })
    void hostileHeadersAreNamed(String header, String named) {
        BatonException error =
                assertThrows(
                        BatonException.class, () -> parse(Safetensors.of(header, new byte[8])));
        assertEquals(ErrorCode.MODEL_FILE_INVALID, error.code());
        assertTrue(error.text().contains(named), error.text());
    }

    @ParameterizedTest
    @CsvSource({"-1", "0", "9223372036854775807", "16777217", "4096"})
    void hostileLengthsAreRefused(long length) {
        byte[] bytes = small();
        ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN).putLong(0, length);
        assertThrows(BatonException.class, () -> parse(bytes));
        assertThrows(BatonException.class, () -> parse(Arrays.copyOf(bytes, 7)));
    }

    @Test
    void aMutatedFileIsReadOrRefused() {
        byte[] original = small();
        int refused = 0;
        for (int seed = 0; seed < MUTATIONS; seed++) {
            SplittableRandom random = new SplittableRandom(seed);
            byte[] bytes = original.clone();
            for (int i = 0; i < 1 + seed % 3; i++) {
                bytes[random.nextInt(bytes.length)] = (byte) (32 + random.nextInt(96));
            }
            if (seed % 9 == 0) {
                bytes = Arrays.copyOf(bytes, random.nextInt(bytes.length));
            }
            try {
                for (GgufTensor tensor : parse(bytes)) {
                    assertEquals(tensor.type().bytes(tensor.elements()), tensor.data().byteSize());
                    assertEquals(64, Sha256.hex(tensor.data()).length());
                }
            } catch (BatonException e) {
                assertEquals(ErrorCode.MODEL_FILE_INVALID, e.code());
                refused++;
            } catch (RuntimeException | Error e) {
                fail("seed " + seed, e);
            }
        }
        assertTrue(refused > MUTATIONS / 4 && refused < MUTATIONS, refused + " refused");
    }
}
