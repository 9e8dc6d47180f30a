package io.baton.kv.codec.klt;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;

import io.baton.common.error.BatonException;
import io.baton.common.error.ErrorCode;
import io.baton.common.kv.KvDtype;
import io.baton.kernels.entropy.RansCoder;
import io.baton.kernels.transform.HeadTransform;
import io.baton.kernels.transform.HeadTransform.Turn;
import io.baton.kv.codec.KvCodec;
import io.baton.kv.codec.KvProfile;
import io.baton.kv.codec.KvProfiles;
import io.baton.kv.codec.PartShape;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;

/**
 * Transform coding of 16-bit KV. Keys are turned back by their positions; each head's rows become
 * coefficients that do not correlate and of which each matters equally to what attention gives
 * ({@link KltTransform}); these are rounded with one step for the whole model and coded with tables
 * for coefficients of like deviation. Transforms and tables stand in the profile, not in the part.
 *
 * <pre>
 *   u8 1 | u8 exact tokens | u16 escapes | exact tokens' rows, of each head in turn | escapes | rANS stream
 *   u8 0 | the raw bytes: other element formats, and parts that would grow
 * </pre>
 *
 * The first four tokens of a sequence, which everything attends to, are exact.
 */
public final class KltCodec implements KvCodec {
    /** Wire id. */
    public static final int ID = 5;

    /** Name of the section of a profile that {@link KltProfile} is. */
    public static final String SECTION = "klt";

    private static final int RAW = 0;
    private static final int CODED = 1;
    private static final int HEADER_BYTES = 4;
    private static final int MOST_ESCAPES = 0xffff;
    private static final ValueLayout.OfShort U16 =
            ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

    private final RansCoder rans;
    private final HeadTransform transform;
    private final ReadyProfiles profiles;

    /**
     * @param profiles those that may be used; their section is {@link #SECTION}
     */
    public KltCodec(RansCoder rans, HeadTransform transform, KvProfiles profiles) {
        this.rans = rans;
        this.transform = transform;
        this.profiles = new ReadyProfiles(rans, profiles);
    }

    @Override
    public int id() {
        return ID;
    }

    @Override
    public String name() {
        return "klt";
    }

    @Override
    public boolean lossless() {
        return false;
    }

    @Override
    public int maxLevel() {
        return KltProfile.LEVELS - 1;
    }

    @Override
    public boolean knowsProfile(long profile) {
        return profiles.of(profile) != null;
    }

    @Override
    public void prepare(long profile) {
        profiles.of(profile);
    }

    @Override
    public long maxEncodedBytes(PartShape part) {
        return part.rawBytes() + 1;
    }

    @Override
    public long scratchBytes(PartShape part) {
        return new Space(part).bytes();
    }

    /** Where things lie in scratch memory. */
    private record Space(PartShape part) {
        private int values() {
            return Math.toIntExact(part.rawBytes() / 2);
        }

        private int columns() {
            return part.blocks() * part.layout().blockTokens();
        }

        private int exactTokens() {
            return part.firstToken() == 0 ? KltStatistics.SINKS : 0;
        }

        private long exactBytes() {
            return 4L * exactTokens() * part.layout().tokenElements();
        }

        private int mostEscapes() {
            return Math.min(MOST_ESCAPES, values());
        }

        private long escapesAt() {
            return aligned(values());
        }

        private long outAt() {
            return escapesAt() + aligned(2L * mostEscapes());
        }

        private long mostHeaderBytes() {
            return HEADER_BYTES + exactBytes() + 2L * mostEscapes();
        }

        long bytes() {
            long stream = mostHeaderBytes() + RansCoder.maxStreamBytes(values());
            return outAt() + Math.max(aligned(stream), part.rawBytes() + 1);
        }

        MemorySegment symbols(MemorySegment scratch) {
            return scratch.asSlice(0, values());
        }

        MemorySegment escapes(MemorySegment scratch) {
            return scratch.asSlice(escapesAt(), 2L * mostEscapes());
        }

        MemorySegment out(MemorySegment scratch) {
            return scratch.asSlice(outAt(), bytes() - outAt());
        }

        private static long aligned(long bytes) {
            return (bytes + 7) / 8 * 8;
        }
    }

    private static boolean isCoded(PartShape part, ReadyProfile profile) {
        KvDtype dtype = part.layout().dtype();
        return (dtype == KvDtype.BF16 || dtype == KvDtype.F16)
                && part.layerCount() == 1
                && part.layout().blockTokens() == HeadTransform.BLOCK_TOKENS
                && part.firstToken() + part.blocks() * HeadTransform.BLOCK_TOKENS
                        <= TurnTable.MOST_POSITIONS
                && part.layout().layers() == profile.profile().layers()
                && part.layout().kvHeads() == profile.profile().kvHeads()
                && part.layout().headDim() == profile.profile().headDim();
    }

    @Override
    public MemorySegment encode(
            PartShape part, Setting setting, MemorySegment raw, MemorySegment scratch) {
        ReadyProfile profile = profile(setting);
        Space space = new Space(part);
        MemorySegment out = space.out(scratch);
        if (!isCoded(part, profile)) {
            return copied(raw, out);
        }
        ReadyProfile.Plan plan = profile.at(part.firstLayer(), setting.level());
        MemorySegment escapes = space.escapes(scratch);
        MemorySegment symbols = space.symbols(scratch);
        int escaped = 0;
        for (int head = 0; head < plan.heads().size(); head++) {
            int more =
                    transform.forward(
                            plan.heads().get(head).head(),
                            turn(profile, part, head),
                            rows(part, head, raw),
                            space.exactTokens(),
                            symbols(plan, head, space, symbols, escapes.asSlice(2L * escaped)));
            if (more < 0) {
                return copied(raw, out);
            }
            escaped += more;
        }
        RansCoder.Rows rows = rows(plan, space);
        long stream = rans.encode(rows, profile.divisors(), symbols, out).byteSize();
        long header = HEADER_BYTES + space.exactBytes() + 2L * escaped;
        if (header + stream > raw.byteSize()) {
            return copied(raw, out);
        }
        MemorySegment coded = out.asSlice(out.byteSize() - stream - header);
        coded.set(JAVA_BYTE, 0, (byte) CODED);
        coded.set(JAVA_BYTE, 1, (byte) space.exactTokens());
        coded.set(U16, 2, (short) escaped);
        copyExact(
                part,
                space,
                (at, rawAt, bytes) ->
                        MemorySegment.copy(raw, rawAt, coded, HEADER_BYTES + at, bytes));
        MemorySegment.copy(escapes, 0, coded, HEADER_BYTES + space.exactBytes(), 2L * escaped);
        return coded;
    }

    private ReadyProfile profile(Setting setting) {
        ReadyProfile profile = profiles.of(setting.profile());
        if (profile == null) {
            throw new BatonException(
                    ErrorCode.KV_TRANSFER_FAILED,
                    "KV is coded with the profile %s, which is not known here or has no section klt"
                            .formatted(KvProfile.name(setting.profile())));
        }
        if (setting.level() > maxLevel()) {
            throw new BatonException(
                    ErrorCode.KV_TRANSFER_FAILED,
                    "klt has levels up to %d, not %d".formatted(maxLevel(), setting.level()));
        }
        return profile;
    }

    private static MemorySegment copied(MemorySegment raw, MemorySegment out) {
        out.set(JAVA_BYTE, 0, (byte) RAW);
        MemorySegment.copy(raw, 0, out, 1, raw.byteSize());
        return out.asSlice(0, raw.byteSize() + 1);
    }

    /** Copies the rows of exact tokens between the raw part and where they lie one by one. */
    private interface ExactCopy {
        void copy(long at, long rawAt, long bytes);
    }

    private static void copyExact(PartShape part, Space space, ExactCopy copy) {
        long headBytes = (long) space.exactTokens() * part.layout().rowBytes();
        for (int head = 0; head < 2 * part.layout().kvHeads() && headBytes > 0; head++) {
            copy.copy(head * headBytes, headAt(part, head), headBytes);
        }
    }

    /** Where a head's rows begin in a block. */
    private static long headAt(PartShape part, int head) {
        return (long) head * part.layout().blockTokens() * part.layout().rowBytes();
    }

    private static HeadTransform.Rows rows(PartShape part, int head, MemorySegment raw) {
        return new HeadTransform.Rows(
                raw.asSlice(headAt(part, head)),
                part.layout().blockLayerBytes(),
                part.blocks(),
                part.layout().dtype() == KvDtype.F16);
    }

    private static RansCoder.Rows rows(ReadyProfile.Plan plan, Space space) {
        return new RansCoder.Rows(
                plan.rows(), space.columns(), 2 * KltClasses.COUNT, plan.tableOf());
    }

    private static Turn turn(ReadyProfile profile, PartShape part, int head) {
        if (head >= part.layout().kvHeads()) {
            return Turn.NONE;
        }
        int firstBlock = part.firstToken() / HeadTransform.BLOCK_TOKENS;
        return profile.turns(part.firstLayer()).of(firstBlock, part.blocks());
    }

    private static HeadTransform.Symbols symbols(
            ReadyProfile.Plan plan,
            int head,
            Space space,
            MemorySegment symbols,
            MemorySegment escapes) {
        ReadyProfile.HeadPlan of = plan.heads().get(head);
        return new HeadTransform.Symbols(
                symbols, space.columns(), of.rowOf(), of.bounds(), escapes);
    }

    @Override
    public MemorySegment decode(
            PartShape part, Setting setting, MemorySegment encoded, MemorySegment scratch) {
        if (encoded.byteSize() == part.rawBytes() + 1 && encoded.get(JAVA_BYTE, 0) == RAW) {
            return encoded.asSlice(1);
        }
        ReadyProfile profile = profile(setting);
        Space space = new Space(part);
        if (!isCoded(part, profile)
                || encoded.byteSize() < HEADER_BYTES + space.exactBytes()
                || encoded.get(JAVA_BYTE, 0) != CODED
                || encoded.get(JAVA_BYTE, 1) != space.exactTokens()) {
            throw invalid(part, "it has another header or length");
        }
        int escaped = encoded.get(U16, 2) & 0xffff;
        long streamAt = HEADER_BYTES + space.exactBytes() + 2L * escaped;
        if (encoded.byteSize() < streamAt || escaped > space.mostEscapes()) {
            throw invalid(part, "its escapes are cut off");
        }
        MemorySegment symbols = space.symbols(scratch);
        ReadyProfile.Plan plan = profile.at(part.firstLayer(), setting.level());
        MemorySegment stream = encoded.asSlice(streamAt);
        if (!rans.decode(rows(plan, space), profile.slots(), stream, symbols)) {
            throw invalid(part, "its stream is not one of such a part");
        }
        MemorySegment raw = space.out(scratch).asSlice(0, part.rawBytes());
        MemorySegment escapes = encoded.asSlice(HEADER_BYTES + space.exactBytes(), 2L * escaped);
        int used = 0;
        for (int head = 0; head < plan.heads().size(); head++) {
            int more =
                    transform.inverse(
                            plan.heads().get(head).head(),
                            turn(profile, part, head),
                            symbols(plan, head, space, symbols, escapes.asSlice(2L * used)),
                            rows(part, head, raw));
            if (more < 0) {
                throw invalid(part, "escapes are missing");
            }
            used += more;
        }
        if (used != escaped) {
            throw invalid(part, "escapes are left over");
        }
        copyExact(
                part,
                space,
                (at, rawAt, bytes) ->
                        MemorySegment.copy(encoded, HEADER_BYTES + at, raw, rawAt, bytes));
        return raw;
    }

    private static BatonException invalid(PartShape part, String why) {
        return new BatonException(
                ErrorCode.KV_TRANSFER_FAILED,
                "no klt coding of layer %d, tokens from %d: %s"
                        .formatted(part.firstLayer(), part.firstToken(), why));
    }
}
