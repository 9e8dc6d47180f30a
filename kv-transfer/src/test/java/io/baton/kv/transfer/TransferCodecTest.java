package io.baton.kv.transfer;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.baton.common.error.BatonException;
import io.baton.common.error.ErrorCode;
import io.baton.kv.channel.SendResult;
import io.baton.kv.codec.KvCodec;
import io.baton.kv.codec.PartShape;
import io.baton.kv.codec.RawCodec;
import io.baton.kv.testkit.Destination;
import io.baton.kv.testkit.FaultProxy;
import io.baton.kv.testkit.FaultProxy.Fault;
import io.baton.kv.testkit.Kv;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.List;
import org.junit.jupiter.api.Test;

/** Codecs other than raw: agreed by id, scratch memory, parts longer than one frame. */
final class TransferCodecTest {
    private static final TransferSpec SPEC = Kv.spec(Kv.LARGE, 0, 600);

    /** Eight bytes of its own and then the raw bytes turned: longer than raw, so in fragments. */
    private static final class TurningCodec implements KvCodec {
        private static final long MARK = 0x5455524E494E4731L;
        private final boolean wrongMark;

        TurningCodec(boolean wrongMark) {
            this.wrongMark = wrongMark;
        }

        @Override
        public int id() {
            return 60_000;
        }

        @Override
        public String name() {
            return "turning";
        }

        @Override
        public boolean lossless() {
            return true;
        }

        @Override
        public int maxLevel() {
            return 0;
        }

        @Override
        public boolean knowsProfile(long profile) {
            return profile == 0;
        }

        @Override
        public long maxEncodedBytes(PartShape part) {
            return part.rawBytes() + 8;
        }

        @Override
        public long scratchBytes(PartShape part) {
            return part.rawBytes() + 8;
        }

        @Override
        public MemorySegment encode(
                PartShape part, Setting setting, MemorySegment raw, MemorySegment scratch) {
            scratch.set(ValueLayout.JAVA_LONG_UNALIGNED, 0, wrongMark ? 0 : MARK);
            turn(raw, scratch.asSlice(8, raw.byteSize()));
            return scratch.asSlice(0, raw.byteSize() + 8);
        }

        @Override
        public MemorySegment decode(
                PartShape part, Setting setting, MemorySegment encoded, MemorySegment scratch) {
            if (encoded.byteSize() != part.rawBytes() + 8
                    || encoded.get(ValueLayout.JAVA_LONG_UNALIGNED, 0) != MARK) {
                throw new BatonException(ErrorCode.KV_TRANSFER_FAILED, "not a turned part");
            }
            MemorySegment out = scratch.asSlice(0, part.rawBytes());
            turn(encoded.asSlice(8), out);
            return out;
        }

        private static void turn(MemorySegment from, MemorySegment to) {
            for (long at = 0; at < to.byteSize(); at += 8) {
                to.set(
                        ValueLayout.JAVA_LONG_UNALIGNED,
                        at,
                        ~from.get(ValueLayout.JAVA_LONG_UNALIGNED, at));
            }
        }
    }

    private static TransferOptions with(TransferOptions options, KvCodec... codecs) {
        return options.withChannel(options.channel().withCodecs(List.of(codecs)));
    }

    private static Destination run(TransferOptions from, TransferOptions to, Fault fault)
            throws Exception {
        Destination destination = new Destination(SPEC);
        try (DefaultKvReceiver receiver = DefaultKvReceiver.listen("tcp://127.0.0.1:0", to);
                DefaultKvSenders senders = DefaultKvSenders.of(from);
                FaultProxy proxy = new FaultProxy(receiver.url(), fault)) {
            receiver.expect(Kv.id(1, 1), SPEC, destination, destination);
            try (var out = senders.open(proxy.url(), Kv.id(1, 1), SPEC, reason -> {})) {
                SendResult sent = Kv.sendAll(out, SPEC, 1, new byte[0]);
                assertTrue(destination.awaitEnd());
                if (destination.completions.get() == 1) {
                    assertEquals(SendResult.OK, sent);
                    assertEquals(out.stats().payloadBytes(), destination.stats.payloadBytes());
                    assertEquals(out.stats().frames(), destination.stats.frames());
                }
            }
        }
        assertEquals(1, destination.completions.get() + destination.failures.get());
        return destination;
    }

    @Test
    void partsInFragmentsArriveWhole() throws Exception {
        for (Fault fault :
                List.of(
                        new Fault.None(),
                        new Fault.Frames(1, 50, 0, 0),
                        new Fault.Frames(2, 20, 5, 0))) {
            Destination to =
                    run(
                            with(Kv.sending(Kv.LARGE), new TurningCodec(false)),
                            with(Kv.receiving(Kv.LARGE), new RawCodec(), new TurningCodec(false)),
                            fault);
            assertEquals(1, to.completions.get(), "under " + fault);
            assertTrue(to.holds(1));
            // Two layers of two full chunks in two parts each and 6 blocks: 10 parts, 8 of them
            // cut.
            assertEquals(18, to.stats.frames());
        }
    }

    @Test
    void theSendersFavouriteThatBothKnowIsTaken() throws Exception {
        Destination raw =
                run(
                        with(Kv.sending(Kv.LARGE), new TurningCodec(false), new RawCodec()),
                        with(Kv.receiving(Kv.LARGE), new RawCodec()),
                        new Fault.None());
        assertTrue(raw.holds(1));
        assertEquals(10, raw.stats.frames());
    }

    @Test
    void aPartThatDoesNotDecodeFailsTheTransfer() throws Exception {
        Destination to =
                run(
                        with(Kv.sending(Kv.LARGE), new TurningCodec(true)),
                        with(Kv.receiving(Kv.LARGE), new TurningCodec(false)),
                        new Fault.None());
        assertEquals("not a turned part", to.reason.text());
        assertEquals(0, to.placements.get());
    }
}
