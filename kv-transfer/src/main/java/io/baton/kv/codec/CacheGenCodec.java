package io.baton.kv.codec;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;

import io.baton.common.error.BatonException;
import io.baton.common.error.ErrorCode;
import io.baton.common.kv.KvDtype;
import io.baton.kernels.entropy.RansCoder;
import io.baton.kernels.kv.AnchorPlan;
import io.baton.kernels.kv.AnchorPlan.Limits;
import io.baton.kernels.kv.KvKernels;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import org.jspecify.annotations.Nullable;

/**
 * CacheGen (Liu and others, SIGCOMM 2024): of every ten tokens the first is coded on its own with 8
 * bits, the others by what they differ from it, with a step for each channel of K and for each
 * token and head of V, coarser from level to level and from third to third of the layers; symbols
 * are entropy coded with tables taken ahead of time from other text (a profile), or with the part's
 * own. {@link AnchorPlan} says how values become symbols. Other than the paper: where the anchor
 * says little of a channel only half or none of it is taken away; the symbols of two values are
 * coded as one, over low bits kept as they are, which halves the work; and tables are for a layer
 * and a run, not for a channel, as steps have made channels alike.
 *
 * <pre>
 *   u8 0 | the raw bytes: other element formats, values that are not finite, parts that would grow
 *   u8 1 | u8 0 | u16 tokens: those after them are zero | layers
 *   layer = u32 bytes that follow | positions 0 to 3 as they are, token by token, K then V
 *         | steps of K's anchors | steps of K | shares | low bits
 *         | without a profile: six tables as in lossless | rANS stream
 * </pre>
 *
 * All little-endian. Decoded values are the same everywhere, but not those that were encoded.
 */
public final class CacheGenCodec implements KvCodec {
    /** Wire id. */
    public static final int ID = 4;

    private static final int CODED = 1;
    private static final int HEAD_BYTES = 4;
    private static final ValueLayout.OfInt U32 =
            ValueLayout.JAVA_INT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

    private final RansCoder rans;
    private final KvKernels kernels;
    private final KvProfiles profiles;
    private final CacheGenReady ready;

    public CacheGenCodec(RansCoder rans, KvKernels kernels, KvProfiles profiles) {
        this.rans = rans;
        this.kernels = kernels;
        this.profiles = profiles;
        this.ready = new CacheGenReady(rans, profiles);
    }

    @Override
    public int id() {
        return ID;
    }

    @Override
    public String name() {
        return "cachegen";
    }

    @Override
    public boolean lossless() {
        return false;
    }

    @Override
    public int maxLevel() {
        return CacheGenLevel.COUNT - 1;
    }

    @Override
    public boolean knowsProfile(long profile) {
        if (profile == 0) {
            return true;
        }
        KvProfile known = profiles.known(profile);
        return known != null && known.sections().containsKey(CacheGenTables.SECTION);
    }

    @Override
    public long maxEncodedBytes(PartShape part) {
        return part.rawBytes() + 1;
    }

    @Override
    public long scratchBytes(PartShape part) {
        return isCoded(part) ? CacheGenPart.whole(part).scratchBytes() : part.rawBytes() + 1;
    }

    static boolean isCoded(PartShape part) {
        KvDtype dtype = part.layout().dtype();
        return dtype == KvDtype.BF16 || dtype == KvDtype.F16;
    }

    /** The profile that a setting names, null for none. */
    private @Nullable KvProfile profile(PartShape part, Setting setting) {
        if (setting.profile() == 0) {
            return null;
        }
        KvProfile profile = profiles.known(setting.profile());
        if (profile == null
                || profile.model().layers() != part.layout().layers()
                || profile.model().kvHeads() != part.layout().kvHeads()
                || profile.model().headDim() != part.layout().headDim()) {
            throw invalid(
                    part,
                    "KV profile %s is not known or of another shape"
                            .formatted(KvProfile.name(setting.profile())));
        }
        return profile;
    }

    @Override
    public MemorySegment encode(
            PartShape part, Setting setting, MemorySegment raw, MemorySegment scratch) {
        if (!isCoded(part)) {
            return CacheGenPart.copied(raw, scratch);
        }
        CacheGenPart parts = CacheGenPart.of(part, raw);
        MemorySegment out = parts.out(scratch);
        out.set(JAVA_BYTE, 0, (byte) CODED);
        out.set(JAVA_BYTE, 1, (byte) 0);
        out.set(CacheGenPart.U16, 2, (short) parts.tokens());
        long at = HEAD_BYTES;
        for (int of = 0; of < part.layerCount(); of++) {
            MemorySegment values = raw.asSlice(of * parts.layerBytes(), parts.layerBytes());
            MemorySegment layer = out.asSlice(at + 4);
            parts.exact(of, raw, layer, true);
            long bytes = parts.exactBytes();
            if (parts.coded() > 0) {
                long coded = encode(parts, setting, of, values, scratch, layer.asSlice(bytes));
                if (coded < 0) {
                    return CacheGenPart.copied(raw, out);
                }
                bytes += coded;
            }
            out.set(U32, at, (int) bytes);
            at += 4 + bytes;
        }
        return at <= part.rawBytes() ? out.asSlice(0, at) : CacheGenPart.copied(raw, out);
    }

    /** Bytes of a coded layer, -1 if it has values that cannot be coded. */
    private long encode(
            CacheGenPart parts,
            Setting setting,
            int of,
            MemorySegment values,
            MemorySegment scratch,
            MemorySegment out) {
        KvProfile profile = profile(parts.part(), setting);
        int layer = parts.part().firstLayer() + of;
        CacheGenReady.@Nullable Ready known =
                profile == null ? null : ready.of(profile, setting.level(), layer);
        AnchorPlan plan =
                parts.plan(setting.level(), of, known == null ? Limits.NONE : known.limits());
        KvKernels.Coded coded = parts.coded(plan, scratch, out);
        if (!kernels.quantise(plan, values, coded, parts.work(scratch))) {
            return -1;
        }
        RansCoder.Rows rows = parts.rows(plan, scratch);
        long at = plan.sideBytes() + plan.lowBytes();
        MemorySegment divisors;
        if (known == null) {
            Tables tables = parts.tables(scratch);
            tables.count(kernels, rows, coded.symbols());
            at += tables.write(out.asSlice(at));
            divisors = parts.ready(scratch);
            if (!rans.divisors(AnchorPlan.RUNS, tables.frequencies(), divisors)) {
                throw new IllegalStateException("frequencies that were counted have another sum");
            }
        } else {
            divisors = known.divisors();
        }
        MemorySegment stream = rans.encode(rows, divisors, coded.symbols(), parts.stream(scratch));
        MemorySegment.copy(stream, 0, out, at, stream.byteSize());
        return at + stream.byteSize();
    }

    @Override
    public MemorySegment decode(
            PartShape part, Setting setting, MemorySegment encoded, MemorySegment scratch) {
        if (encoded.byteSize() == part.rawBytes() + 1 && encoded.get(JAVA_BYTE, 0) == 0) {
            return encoded.asSlice(1);
        }
        if (!isCoded(part)
                || encoded.byteSize() < HEAD_BYTES
                || encoded.get(JAVA_BYTE, 0) != CODED
                || encoded.get(JAVA_BYTE, 1) != 0) {
            throw invalid(part, "it begins with neither 0 nor 1, or has another length");
        }
        CacheGenPart whole = CacheGenPart.whole(part);
        int tokens = Short.toUnsignedInt(encoded.get(CacheGenPart.U16, 2));
        if (tokens > whole.tokens()) {
            throw invalid(part, "%d tokens of %d".formatted(tokens, whole.tokens()));
        }
        CacheGenPart parts = new CacheGenPart(part, whole.layer(), tokens);
        MemorySegment raw = parts.out(scratch).asSlice(0, part.rawBytes());
        long at = HEAD_BYTES;
        for (int of = 0; of < part.layerCount(); of++) {
            long left = encoded.byteSize() - at - 4;
            long bytes = left < 0 ? 0 : Integer.toUnsignedLong(encoded.get(U32, at));
            if (left < bytes || bytes < parts.exactBytes()) {
                throw invalid(part, "it is too short");
            }
            MemorySegment layer = encoded.asSlice(at + 4, bytes);
            parts.exact(of, raw, layer, false);
            MemorySegment rest = layer.asSlice(parts.exactBytes());
            if (parts.coded() > 0) {
                decode(parts, setting, of, rest, scratch, raw);
            } else if (rest.byteSize() > 0) {
                throw invalid(part, "bytes follow its last token");
            }
            at += 4 + bytes;
        }
        if (at != encoded.byteSize()) {
            throw invalid(part, "bytes follow its last layer");
        }
        parts.clear(raw);
        return raw;
    }

    private void decode(
            CacheGenPart parts,
            Setting setting,
            int of,
            MemorySegment in,
            MemorySegment scratch,
            MemorySegment raw) {
        PartShape part = parts.part();
        AnchorPlan plan = parts.plan(setting.level(), of, Limits.NONE);
        long at = plan.sideBytes() + plan.lowBytes();
        if (in.byteSize() < at) {
            throw invalid(part, "it is too short");
        }
        KvProfile profile = profile(part, setting);
        MemorySegment frequencies;
        if (profile == null) {
            Tables tables = parts.tables(scratch);
            long tableBytes = tables.read(in.asSlice(at));
            if (tableBytes < 0) {
                throw invalid(part, "its tables are cut off");
            }
            at += tableBytes;
            frequencies = tables.frequencies();
        } else {
            frequencies = ready.of(profile, setting.level(), part.firstLayer() + of).frequencies();
        }
        KvKernels.Coded coded = parts.coded(plan, scratch, in);
        RansCoder.Rows rows = parts.rows(plan, scratch);
        MemorySegment slots = parts.ready(scratch);
        if (!rans.slots(AnchorPlan.RUNS, frequencies, slots)
                || !rans.decode(rows, slots, in.asSlice(at), coded.symbols())) {
            throw invalid(part, "its tables or its stream are damaged");
        }
        MemorySegment values = raw.asSlice(of * parts.layerBytes(), parts.layerBytes());
        kernels.dequantise(plan, coded, values, parts.work(scratch));
    }

    private static BatonException invalid(PartShape part, String why) {
        return new BatonException(
                ErrorCode.KV_TRANSFER_FAILED,
                "a cachegen part of %d layers x %d blocks is invalid: %s"
                        .formatted(part.layerCount(), part.blocks(), why));
    }
}
