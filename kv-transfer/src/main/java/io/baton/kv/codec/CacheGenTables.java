package io.baton.kv.codec;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;

import io.baton.common.error.BatonException;
import io.baton.common.error.ErrorCode;
import io.baton.kernels.entropy.RansCoder;
import io.baton.kernels.kv.AnchorPlan;
import io.baton.kernels.kv.AnchorPlan.Limits;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;

/**
 * The section {@value #SECTION} of a profile: tables for every level and layer.
 *
 * <pre>
 *   u8 version 1 | u8 levels | u16 layers | u32 offset of each level's layers, and of the end
 *   six tables for each: those of the runs of AnchorPlan, as they stand in a part
 * </pre>
 *
 * Tables of pairs have all 256 symbols; those of steps an unbroken range, which limits steps.
 */
final class CacheGenTables {
    /** Name of the section. */
    static final String SECTION = "cachegen";

    private static final int VERSION = 1;
    private static final long HEAD_BYTES = 4;
    private static final ValueLayout.OfInt U32 =
            ValueLayout.JAVA_INT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

    private CacheGenTables() {}

    /**
     * Reads the tables of a level and layer.
     *
     * @return the steps that they limit coding to
     * @throws BatonException KV_TRANSFER_FAILED if the profile has none that are valid
     */
    static Limits read(KvProfile profile, int level, int layer, Tables tables) {
        MemorySegment section =
                profile.section(SECTION).orElseThrow(() -> invalid(profile, "it has none"));
        int layers = profile.model().layers();
        long first = HEAD_BYTES + 4L * (CacheGenLevel.COUNT * (long) layers + 1);
        if (section.byteSize() < first
                || section.get(JAVA_BYTE, 0) != VERSION
                || section.get(JAVA_BYTE, 1) != CacheGenLevel.COUNT
                || Short.toUnsignedInt(section.get(CacheGenPart.U16, 2)) != layers
                || layer >= layers) {
            throw invalid(profile, "another version, or other levels or layers");
        }
        long entry = HEAD_BYTES + 4L * (level * (long) layers + layer);
        long from = Integer.toUnsignedLong(section.get(U32, entry));
        long to = Integer.toUnsignedLong(section.get(U32, entry + 4));
        if (from < first || to < from || to > section.byteSize()) {
            throw invalid(profile, "an offset is out of bounds");
        }
        if (tables.read(section.asSlice(from, to - from)) != to - from) {
            throw invalid(profile, "tables end where they should not");
        }
        return limits(profile, tables);
    }

    private static Limits limits(KvProfile profile, Tables tables) {
        for (int run = 0; run < AnchorPlan.RUNS; run++) {
            boolean all = tables.first(run) == 0 && tables.last(run) == RansCoder.SYMBOLS - 1;
            if (!tables.isUnbroken(run) || run < AnchorPlan.PAIRED_RUNS && !all) {
                throw invalid(profile, "a table lacks a symbol");
            }
        }
        int anchors = AnchorPlan.PAIRED_RUNS;
        return new Limits(
                tables.first(anchors),
                tables.last(anchors),
                tables.first(anchors + 1),
                tables.last(anchors + 1));
    }

    private static BatonException invalid(KvProfile profile, String why) {
        return new BatonException(
                ErrorCode.KV_TRANSFER_FAILED,
                "%s has no valid tables for cachegen: %s".formatted(profile, why));
    }

    /**
     * Writes a section.
     *
     * @param tables of each level's layers, in memory of their own
     */
    static byte[] write(int layers, Tables[] tables) {
        long first = HEAD_BYTES + 4L * (tables.length + 1);
        long bytes = first;
        for (Tables six : tables) {
            bytes += six.writtenBytes();
        }
        byte[] section = new byte[Math.toIntExact(bytes)];
        MemorySegment out = MemorySegment.ofArray(section);
        out.set(JAVA_BYTE, 0, (byte) VERSION);
        out.set(JAVA_BYTE, 1, (byte) CacheGenLevel.COUNT);
        out.set(CacheGenPart.U16, 2, (short) layers);
        long at = first;
        for (int i = 0; i < tables.length; i++) {
            out.set(U32, HEAD_BYTES + 4L * i, (int) at);
            at += tables[i].write(out.asSlice(at));
        }
        out.set(U32, HEAD_BYTES + 4L * tables.length, (int) at);
        return section;
    }
}
