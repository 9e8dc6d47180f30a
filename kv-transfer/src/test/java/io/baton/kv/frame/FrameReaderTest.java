package io.baton.kv.frame;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.baton.common.error.BatonException;
import io.baton.common.error.ErrorCode;
import io.baton.kv.frame.FrameReader.Outcome;
import io.baton.kv.testkit.Kv;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.List;
import java.util.SplittableRandom;
import java.util.function.Consumer;
import org.junit.jupiter.api.Test;

/** Hostile and damaged bytes. */
final class FrameReaderTest {
    private static final int MUTATIONS = 20_000;

    private static Outcome read(byte[] frame, FrameReader reader) {
        return reader.read(Frames.direct(frame), 0, frame.length);
    }

    private static FrameReader reader() {
        return new FrameReader(Frames.RULES);
    }

    @Test
    void acceptsAFrameOnlyWhenAllOfItIsThere() {
        byte[] frame = Frames.data();
        FrameReader reader = reader();
        ByteBuffer buffer = Frames.direct(frame);
        for (int length = 0; length < frame.length; length++) {
            assertEquals(Outcome.INCOMPLETE, reader.read(buffer, 0, length));
            assertEquals(
                    length < FrameHeader.BYTES ? FrameHeader.BYTES : frame.length,
                    reader.neededBytes());
        }
        assertEquals(Outcome.FRAME, reader.read(buffer, 0, frame.length));
        assertEquals(2048, reader.header().payloadBytes());
        assertNull(reader.error());
    }

    /** KV without a checksum is for memory alone, and nothing but KV is ever without one. */
    @Test
    void uncheckedKvIsTakenFromMemoryOnly() {
        FrameBatch batch = new FrameBatch(1);
        batch.checksPayloads(false);
        Frames.dataHeader(batch.begin(FrameType.DATA));
        batch.end(java.lang.foreign.MemorySegment.ofArray(Frames.counting(2048)));
        byte[] frame = Frames.bytes(batch);
        FrameReader overNetwork = reader();
        assertEquals(Outcome.INVALID, read(frame, overNetwork));
        assertEquals(FrameError.NOT_ZERO, overNetwork.error());
        assertEquals(Outcome.FRAME, read(frame, memoryReader()));
        for (int bit = 0; bit < FrameHeader.BYTES * 8; bit++) {
            byte[] damaged = frame.clone();
            damaged[bit / 8] ^= (byte) (1 << bit % 8);
            assertNotEquals(Outcome.FRAME, read(damaged, memoryReader()), "bit " + bit);
        }
        byte[] end = Frames.plain(FrameType.END, Frames.counting(9));
        end[FrameHeader.FLAGS_OFFSET] = FrameHeader.PAYLOAD_UNCHECKED;
        FrameReader reader = memoryReader();
        assertEquals(Outcome.INVALID, read(Frames.sealed(end), reader));
        assertEquals(FrameError.NOT_ZERO, reader.error());
    }

    private static FrameReader memoryReader() {
        FrameReader reader = reader();
        reader.allowUncheckedPayloads();
        return reader;
    }

    @Test
    void everyFlippedBitIsFound() {
        byte[] frame = Frames.data();
        for (int bit = 0; bit < frame.length * 8; bit++) {
            byte[] damaged = frame.clone();
            damaged[bit / 8] ^= (byte) (1 << bit % 8);
            assertNotEquals(Outcome.FRAME, read(damaged, reader()), "bit " + bit);
        }
    }

    @Test
    void mutatedFramesAreNeverAcceptedAndNeverThrow() {
        SplittableRandom random = new SplittableRandom(42);
        List<byte[]> originals =
                List.of(
                        Frames.data(),
                        Frames.plain(FrameType.END, Frames.counting(100)),
                        Frames.plain(FrameType.KEEPALIVE, new byte[0]),
                        Frames.plain(FrameType.ABORT, Frames.counting(50)));
        int invalid = 0;
        for (int i = 0; i < MUTATIONS; i++) {
            byte[] original = originals.get(random.nextInt(originals.size()));
            byte[] damaged = mutate(original.clone(), random);
            if (java.util.Arrays.equals(original, damaged)) {
                continue;
            }
            FrameReader reader = reader();
            Outcome outcome = read(damaged, reader);
            assertNotEquals(Outcome.FRAME, outcome, "mutation " + i);
            if (outcome == Outcome.INVALID) {
                assertTrue(reader.error() != null);
                invalid++;
            } else {
                assertTrue(reader.neededBytes() > damaged.length);
                assertTrue(reader.neededBytes() <= FrameHeader.MAX_FRAME_BYTES);
            }
        }
        assertTrue(invalid > MUTATIONS / 2, "most damage is found at once: " + invalid);
    }

    /** Headers that a hostile peer would make: right checksum, wrong content. */
    @Test
    void sealedMutationsOfTheHeaderKeepTheNegotiatedBounds() {
        SplittableRandom random = new SplittableRandom(43);
        int accepted = 0;
        for (int i = 0; i < MUTATIONS; i++) {
            byte[] frame = Frames.data();
            int changes = 1 + random.nextInt(3);
            for (int c = 0; c < changes; c++) {
                int at = 4 + random.nextInt(FrameHeader.CRC_OFFSET - 4);
                frame[at] = (byte) random.nextInt(256);
            }
            FrameReader reader = reader();
            if (read(Frames.sealed(frame), reader) == Outcome.FRAME
                    && reader.header().type() == FrameType.DATA) {
                accepted++;
                FrameHeader header = reader.header();
                assertTrue(header.firstLayer() + header.layerCount() <= Kv.SMALL.layers());
                assertEquals(0, header.firstToken() % 16);
                assertEquals(0, header.tokenCount() % 16);
                assertTrue(header.firstToken() % 64 + header.tokenCount() <= 64);
                assertEquals(header.payloadBytes(), header.rawBytes());
                assertEquals(2048, header.payloadBytes());
            }
        }
        assertTrue(accepted > 0, "identity and sequence may be anything");
    }

    private static byte[] mutate(byte[] frame, SplittableRandom random) {
        switch (random.nextInt(5)) {
            case 0 -> frame[random.nextInt(frame.length)] ^= (byte) (1 << random.nextInt(8));
            case 1 -> frame[random.nextInt(FrameHeader.BYTES)] = (byte) random.nextInt(256);
            case 2 -> {
                int from = random.nextInt(frame.length);
                int to = Math.min(frame.length, from + 1 + random.nextInt(16));
                for (int i = from; i < to; i++) {
                    frame[i] = (byte) random.nextInt(256);
                }
            }
            case 3 -> {
                int[] hostile = {-1, 0, 1, Integer.MIN_VALUE, Integer.MAX_VALUE, 1 << 20};
                ByteBuffer.wrap(frame)
                        .order(ByteOrder.LITTLE_ENDIAN)
                        .putInt(
                                4 * random.nextInt(FrameHeader.BYTES / 4),
                                hostile[random.nextInt(hostile.length)]);
            }
            case 4 -> {
                int a = random.nextInt(frame.length);
                int b = random.nextInt(frame.length);
                byte swap = frame[a];
                frame[a] = frame[b];
                frame[b] = swap;
            }
            default -> throw new AssertionError();
        }
        return frame;
    }

    @Test
    void namesTheBrokenRule() {
        expect(FrameError.BAD_MAGIC, in -> in.put(0, (byte) 'X'));
        expect(FrameError.BAD_VERSION, in -> in.put(4, (byte) 2));
        expect(FrameError.UNKNOWN_TYPE, in -> in.put(5, (byte) 0));
        expect(FrameError.UNKNOWN_TYPE, in -> in.put(5, (byte) 200));
        expect(FrameError.UNEXPECTED_TYPE, in -> unpart(in).put(5, (byte) 1));
        expect(FrameError.UNEXPECTED_TYPE, in -> unpart(in).put(5, (byte) 10));
        expect(FrameError.BAD_HEADER_LENGTH, in -> in.putShort(6, (short) 96));
        expect(FrameError.PAYLOAD_LENGTH, in -> in.putInt(8, -1));
        expect(FrameError.PAYLOAD_LENGTH, in -> in.putInt(8, Integer.MIN_VALUE));
        expect(FrameError.PAYLOAD_LENGTH, in -> in.putInt(8, (1 << 20) + 1));
        expect(FrameError.PAYLOAD_LENGTH, in -> in.putInt(8, 2049));
        expect(FrameError.PAYLOAD_LENGTH, in -> in.putInt(8, 0));
        expect(FrameError.RAW_LENGTH, in -> in.putInt(12, 1024));
        expect(FrameError.RAW_LENGTH, in -> in.putInt(12, -2048));
        expect(FrameError.TOKEN_RANGE, in -> in.putInt(44, 0));
        expect(FrameError.FRAGMENT, in -> in.putShort(48, (short) 1));
        expect(FrameError.FRAGMENT, in -> in.putShort(50, (short) 0));
        expect(FrameError.FRAGMENT, in -> in.putShort(50, (short) 2));
        expect(FrameError.TOKEN_RANGE, in -> in.putInt(52, -16));
        expect(FrameError.TOKEN_RANGE, in -> in.putInt(52, 81));
        expect(FrameError.TOKEN_RANGE, in -> in.putInt(52, 112));
        expect(FrameError.TOKEN_RANGE, in -> in.putInt(56, 0));
        expect(FrameError.TOKEN_RANGE, in -> in.putInt(56, 31));
        expect(FrameError.TOKEN_RANGE, in -> in.putInt(56, Integer.MAX_VALUE & ~15));
        expect(FrameError.LAYER_RANGE, in -> in.putShort(60, (short) 3));
        expect(FrameError.LAYER_RANGE, in -> in.putShort(60, (short) -1));
        expect(FrameError.LAYER_RANGE, in -> in.putShort(62, (short) 0));
        expect(FrameError.CODEC, in -> in.put(64, (byte) 2));
        expect(FrameError.CODEC, in -> in.put(64, (byte) 3));
        expect(FrameError.CODEC, in -> in.put(65, (byte) 1));
        expect(FrameError.CODEC, in -> in.putShort(66, (short) 9));
        expect(FrameError.NOT_ZERO, in -> in.putInt(68, 1));
        expect(FrameError.CODEC, in -> in.putLong(72, 1));
        expect(FrameError.NOT_ZERO, in -> in.putInt(80, 1));
    }

    private static ByteBuffer unpart(ByteBuffer in) {
        in.putInt(12, 0).putInt(44, 0).putLong(48, 0).putLong(56, 0).putLong(64, 0);
        return in;
    }

    private static void expect(FrameError error, Consumer<ByteBuffer> change) {
        byte[] frame = Frames.data();
        change.accept(ByteBuffer.wrap(frame).order(ByteOrder.LITTLE_ENDIAN));
        FrameReader reader = reader();
        assertEquals(Outcome.INVALID, read(Frames.sealed(frame), reader), error.name());
        assertEquals(error, reader.error());
        assertEquals(Outcome.INVALID, read(Frames.data(), reader), "nothing after it is read");
    }

    @Test
    void wrongChecksumIsNamed() {
        byte[] frame = Frames.data();
        frame[frame.length - 1] ^= 1;
        FrameReader reader = reader();
        assertEquals(Outcome.INVALID, read(frame, reader));
        assertEquals(FrameError.CHECKSUM, reader.error());
    }

    @Test
    void onlyHandshakeFramesComeBeforeTheHandshake() {
        FrameReader reader = new FrameReader(new FrameRules.Handshake());
        assertEquals(Outcome.INVALID, read(Frames.data(), reader));
        assertEquals(FrameError.UNEXPECTED_TYPE, reader.error());
    }

    @Test
    void aReceiverNeverSendsKv() {
        FrameReader reader = new FrameReader(new FrameRules.Replies());
        assertEquals(Outcome.INVALID, read(Frames.data(), reader));
        assertEquals(FrameError.UNEXPECTED_TYPE, reader.error());
    }

    @Test
    void reasonsSurviveAndAreCleaned() {
        BatonException back =
                Reason.decode(
                        Reason.encode(
                                new BatonException(ErrorCode.DRAINING, "going\r\naway\u001b[31m")));
        assertEquals(ErrorCode.DRAINING, back.code());
        assertEquals("going  away [31m", back.text());
        assertEquals(
                FrameHeader.MAX_TEXT_BYTES,
                Reason.encode(new BatonException(ErrorCode.INTERNAL, "x".repeat(10_000))).length);
        assertEquals(ErrorCode.KV_TRANSFER_FAILED, Reason.decode(new byte[] {-1, -2}).code());
    }
}
