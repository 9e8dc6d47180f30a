package io.baton.kv.codec;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;

import io.baton.common.kv.KvDtype;
import io.baton.kernels.entropy.RansCoder;
import io.baton.kernels.kv.AnchorPlan;
import io.baton.kernels.kv.AnchorPlan.Limits;
import io.baton.kernels.kv.KvKernels;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;

/**
 * Counts what {@link CacheGenCodec} makes of KV at every level, for its section of a profile. Equal
 * parts, in whatever order, give equal bytes. One thread at a time.
 */
public final class CacheGenStatistics {
    /** Name of the section that {@link #section} is for. */
    public static final String SECTION = CacheGenTables.SECTION;

    /** Steps beyond those seen that a table allows, in eighths of an octave. */
    private static final int MARGIN = 16;

    private final KvKernels kernels;
    private final KvProfile.Model model;
    private final long[][][] counts;

    public CacheGenStatistics(KvProfile.Model model, KvKernels kernels) {
        this.model = model;
        this.kernels = kernels;
        this.counts =
                new long[CacheGenLevel.COUNT * model.layers()][AnchorPlan.RUNS][RansCoder.SYMBOLS];
    }

    /**
     * Counts a part.
     *
     * @param part of 16-bit elements and the model's shape
     * @param raw native memory
     */
    public void add(PartShape part, MemorySegment raw) {
        KvDtype dtype = part.layout().dtype();
        if (dtype != KvDtype.BF16 && dtype != KvDtype.F16
                || part.layout().layers() != model.layers()
                || part.layout().kvHeads() != model.kvHeads()
                || part.layout().headDim() != model.headDim()) {
            throw new IllegalArgumentException(
                    "KV of %s for a profile of %s".formatted(part.layout(), model));
        }
        CacheGenPart parts = CacheGenPart.of(part, raw);
        if (parts.coded() == 0) {
            return;
        }
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment scratch = arena.allocate(parts.scratchBytes(), 8);
            for (int level = 0; level < CacheGenLevel.COUNT; level++) {
                for (int of = 0; of < part.layerCount(); of++) {
                    AnchorPlan plan = parts.plan(level, of, Limits.NONE);
                    MemorySegment values = raw.asSlice(of * parts.layerBytes(), parts.layerBytes());
                    KvKernels.Coded coded = parts.coded(plan, scratch, parts.out(scratch));
                    if (kernels.quantise(plan, values, coded, parts.work(scratch))) {
                        count(plan, coded.symbols(), counts[at(level, part.firstLayer() + of)]);
                    }
                }
            }
        }
    }

    private int at(int level, int layer) {
        return level * model.layers() + layer;
    }

    private static void count(AnchorPlan plan, MemorySegment symbols, long[][] counts) {
        for (int run = 0; run < AnchorPlan.RUNS; run++) {
            long from = plan.symbolsAt(run);
            for (long i = from; i < from + plan.symbols(run); i++) {
                counts[run][Byte.toUnsignedInt(symbols.get(JAVA_BYTE, i))]++;
            }
        }
    }

    /** The section of a profile. */
    public MemorySegment section() {
        Tables[] tables = new Tables[counts.length];
        for (int i = 0; i < tables.length; i++) {
            long bytes = Tables.bytes(AnchorPlan.RUNS);
            tables[i] = new Tables(AnchorPlan.RUNS, Arena.ofAuto().allocate(bytes, 8));
            for (int run = 0; run < AnchorPlan.RUNS; run++) {
                tables[i].counted(run, smoothed(counts[i][run], run < AnchorPlan.PAIRED_RUNS));
            }
        }
        return MemorySegment.ofArray(CacheGenTables.write(model.layers(), tables));
    }

    /** Pairs may all occur; of steps all between those seen, and some beyond. */
    private static long[] smoothed(long[] seen, boolean paired) {
        int first = 0;
        int last = seen.length - 1;
        if (!paired && Arrays.stream(seen).sum() > 0) {
            while (seen[first] == 0) {
                first++;
            }
            while (seen[last] == 0) {
                last--;
            }
            first = Math.max(0, first - MARGIN);
            last = Math.min(seen.length - 1, last + MARGIN);
        }
        long[] smoothed = new long[seen.length];
        for (int symbol = first; symbol <= last; symbol++) {
            smoothed[symbol] = seen[symbol] + 1;
        }
        return smoothed;
    }
}
