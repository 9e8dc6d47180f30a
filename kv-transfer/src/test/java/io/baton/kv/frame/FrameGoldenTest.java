package io.baton.kv.frame;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.baton.common.error.BatonException;
import io.baton.common.error.ErrorCode;
import io.baton.kv.testkit.Golden;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import org.junit.jupiter.api.Test;

/** The format does not change by accident. */
final class FrameGoldenTest {
    private static final BatonException REASON =
            new BatonException(ErrorCode.KV_TRANSFER_FAILED, "because");

    @Test
    void framesAreTheGoldenBytes() throws Exception {
        Golden.check("data.bin", Frames.data());
        Golden.check(
                "end.bin", Frames.plain(FrameType.END, "token 0".getBytes(StandardCharsets.UTF_8)));
        Golden.check("abort.bin", Frames.plain(FrameType.ABORT, Reason.encode(REASON)));
        Golden.check("keepalive.bin", Frames.plain(FrameType.KEEPALIVE, new byte[0]));
        Golden.check("closed.bin", Frames.plain(FrameType.CLOSED, Reason.encode(REASON)));
        Golden.check(
                "profile-offer.bin", Frames.bare(FrameType.PROFILE_OFFER, Frames.counting(40)));
        Golden.check("profile-want.bin", Frames.bare(FrameType.PROFILE_WANT, Frames.counting(40)));
        Golden.check("profile-piece.bin", Frames.bare(FrameType.PROFILE, Frames.counting(100)));
        Golden.check("refused.bin", Frames.plain(FrameType.REFUSED, Reason.encode(REASON)));
    }

    /** Read with plain offsets from the specification, not with the code under test. */
    @Test
    void goldenDataFrameMeansWhatTheSpecificationSays() throws Exception {
        byte[] frame = Golden.read("data.bin");
        ByteBuffer in = ByteBuffer.wrap(frame).order(ByteOrder.LITTLE_ENDIAN);
        assertEquals("BTKF", new String(frame, 0, 4, StandardCharsets.US_ASCII));
        assertEquals(1, in.get(4));
        assertEquals(6, in.get(5));
        assertEquals(88, in.getShort(6));
        assertEquals(2048, in.getInt(8));
        assertEquals(2048, in.getInt(12));
        assertEquals(0x1122334455667788L, in.getLong(16));
        assertEquals(0x99AABBCCDDEEFF00L, in.getLong(24));
        assertEquals(7, in.getLong(32));
        assertEquals(3, in.getInt(40));
        assertEquals(1, in.getInt(44));
        assertEquals(0, in.getShort(48));
        assertEquals(1, in.getShort(50));
        assertEquals(80, in.getInt(52));
        assertEquals(32, in.getInt(56));
        assertEquals(1, in.getShort(60));
        assertEquals(1, in.getShort(62));
        assertEquals(0, in.get(64));
        assertEquals(0, in.get(65));
        assertEquals(1, in.getShort(66));
        assertEquals(0, in.getInt(68));
        assertEquals(0, in.getLong(72));
        assertEquals(0, in.getInt(80));
        int crc = in.getInt(84);
        in.putInt(84, 0);
        assertEquals(Frames.crc32c(frame), crc);
        assertEquals(88 + 2048, frame.length);
    }

    @Test
    void checksumIsTheKnownOne() {
        // RFC 3720 B.4: 32 bytes of zero.
        assertEquals(0x8A9136AA, Frames.crc32c(new byte[32]));
    }
}
