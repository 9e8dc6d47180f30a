package io.baton.kv.channel.cuda;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;

import io.baton.common.error.BatonException;
import io.baton.common.error.ErrorCode;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.HexFormat;
import java.util.UUID;
import jcuda.driver.CUdeviceptr;
import jcuda.driver.CUipcEventHandle;
import jcuda.driver.CUipcMemHandle;
import org.junit.jupiter.api.Test;

/** What of JCuda runs on a machine without a GPU, and what is said there. */
final class CudaLibraryTest {
    @Test
    void aDriverIsFoundOrItsAbsenceIsOneLine() {
        CudaLibrary cuda = CudaLibrary.find();
        if (cuda.driver() != null) {
            assertNull(CudaLibrary.whyNot());
            return;
        }
        assertFalse(cuda.detail().contains("\n"), cuda.detail());
        CudaIpcChannelProvider provider = new CudaIpcChannelProvider();
        assertNotNull(provider.unusable(false));
        BatonException refusal = assertThrows(BatonException.class, CudaLibrary::require);
        assertEquals(ErrorCode.CONFIGURATION, refusal.code());
        assertEquals("the cuda-ipc channel cannot be used: " + cuda.detail(), refusal.text());
        assertEquals("kv.channel", refusal.param());
    }

    @Test
    void isNotTakenUnaskedWhileKvLiesInHostMemory() {
        assertEquals("KV lies in host memory", new CudaIpcChannelProvider().unusable(true));
    }

    @Test
    void theBytesOfJcudasHandlesAndPointersCanBeReached() {
        byte[] bytes = new byte[CudaDriver.HANDLE_BYTES];
        bytes[63] = 7;
        CUipcMemHandle memory = new CUipcMemHandle();
        JcudaContext.Handles.MEMORY.set(memory, bytes);
        assertArrayEquals(bytes, (byte[]) JcudaContext.Handles.MEMORY.get(memory));
        CUipcEventHandle event = new CUipcEventHandle();
        assertEquals(
                CudaDriver.HANDLE_BYTES, ((byte[]) JcudaContext.Handles.EVENT.get(event)).length);
        CUdeviceptr pointer = new CUdeviceptr().withByteOffset(1L << 40);
        assertEquals(1L << 40, new JcudaContext.Address(pointer).value());
        assertEquals((1L << 40) + 5, new JcudaContext.Address(pointer.withByteOffset(5)).value());
    }

    /** The wire specification's example: bytes of a RING message's data. */
    @Test
    void aRingIsOfferedInTheseBytes() {
        byte[] memory = new byte[CudaDriver.HANDLE_BYTES];
        byte[] event = new byte[CudaDriver.HANDLE_BYTES];
        memory[0] = 0x4d;
        event[63] = 0x45;
        UUID device = UUID.fromString("00112233-4455-6677-8899-aabbccddeeff");
        RingOffer offer = new RingOffer(0x1234, device, memory, event, 65_536, 4 << 20);
        ByteBuffer data = ByteBuffer.allocate(RingOffer.DATA_BYTES).order(ByteOrder.LITTLE_ENDIAN);
        offer.write(data);
        assertEquals(0, data.remaining());
        assertEquals(
                "3412000000000000"
                        + "00112233445566778899aabbccddeeff"
                        + "4d"
                        + "00".repeat(126)
                        + "45",
                HexFormat.of().formatHex(data.array()));
        RingOffer read = RingOffer.read(data.flip(), 65_536, 4 << 20);
        assertEquals(offer.process(), read.process());
        assertEquals(device, read.device());
        assertArrayEquals(memory, read.memory());
        assertArrayEquals(event, read.event());
    }
}
