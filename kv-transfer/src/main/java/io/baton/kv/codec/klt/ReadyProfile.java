package io.baton.kv.codec.klt;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_FLOAT;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_SHORT;

import io.baton.kernels.entropy.RansCoder;
import io.baton.kernels.transform.HeadTransform;
import io.baton.kernels.transform.HeadTransform.Matrices;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import org.ejml.data.DMatrixRMaj;
import org.ejml.dense.row.CommonOps_DDRM;

/**
 * A profile in native memory as the kernels take it, with what can be known of every layer and
 * level beforehand. Immutable but for turns, which grow; any thread.
 */
final class ReadyProfile {
    private final KltProfile profile;
    private final Arena arena = Arena.ofAuto();
    private final Matrices[] matrices;
    private final MemorySegment divisors;
    private final MemorySegment slots;
    private final Plan[][] plans;
    private final TurnTable[] turns;

    /**
     * @throws IllegalArgumentException if a transform cannot be inverted
     */
    ReadyProfile(KltProfile profile, RansCoder rans) {
        this.profile = profile;
        int heads = 2 * profile.kvHeads();
        matrices = new Matrices[profile.layers() * heads];
        for (int i = 0; i < matrices.length; i++) {
            matrices[i] = matrices(i);
        }
        int tables = 2 * KltClasses.COUNT;
        MemorySegment frequencies = arena.allocate(tables * RansCoder.FREQUENCY_BYTES, 64);
        profile.writeFrequencies(frequencies);
        divisors = arena.allocate(tables * RansCoder.DIVISOR_BYTES, 64);
        slots = arena.allocate(tables * RansCoder.SLOT_BYTES, 64);
        if (!rans.divisors(tables, frequencies, divisors)
                || !rans.slots(tables, frequencies, slots)) {
            throw new IllegalStateException("tables were checked when the profile was read");
        }
        plans = new Plan[profile.layers()][KltProfile.LEVELS];
        for (int layer = 0; layer < profile.layers(); layer++) {
            for (int level = 0; level < KltProfile.LEVELS; level++) {
                plans[layer][level] = plan(layer, level);
            }
        }
        turns = turns();
    }

    private Matrices matrices(int head) {
        int dim = profile.headDim();
        float[] forward = profile.forward(head);
        float[] mean = profile.mean(head);
        DMatrixRMaj matrix = new DMatrixRMaj(dim, dim);
        float[] offset = new float[dim];
        for (int j = 0; j < dim; j++) {
            double sum = 0;
            for (int d = 0; d < dim; d++) {
                matrix.set(j, d, forward[j * dim + d]);
                sum -= (double) forward[j * dim + d] * mean[d];
            }
            offset[j] = (float) sum;
        }
        DMatrixRMaj inverted = new DMatrixRMaj(dim, dim);
        if (!CommonOps_DDRM.invert(matrix, inverted)) {
            throw new IllegalArgumentException("a transform cannot be inverted");
        }
        float[] inverse = new float[dim * dim];
        for (int i = 0; i < inverse.length; i++) {
            inverse[i] = (float) inverted.get(i);
        }
        return new Matrices(copy(forward), copy(offset), copy(inverse), copy(mean));
    }

    private MemorySegment copy(float[] values) {
        MemorySegment copy = arena.allocate(4L * values.length, 64);
        MemorySegment.copy(values, 0, copy, JAVA_FLOAT, 0, values.length);
        return copy;
    }

    private TurnTable[] turns() {
        List<TurnTable> distinct = new ArrayList<>();
        TurnTable[] of = new TurnTable[profile.layers()];
        for (int layer = 0; layer < of.length; layer++) {
            KltModel.Layer wanted = profile.layer(layer);
            TurnTable table =
                    distinct.stream().filter(have -> have.isOf(wanted)).findFirst().orElse(null);
            if (table == null) {
                table = new TurnTable(wanted.angles(), wanted.interleaved());
                distinct.add(table);
            }
            of[layer] = table;
        }
        return of;
    }

    /**
     * How a layer is coded at a level.
     *
     * @param rows rows of symbols
     * @param tableOf of each row its table, 16 bits each
     * @param heads of keys, then of values
     */
    record Plan(int rows, MemorySegment tableOf, List<HeadPlan> heads) {}

    /**
     * @param head what it is transformed with
     * @param rowOf of each kept coefficient its row
     * @param bounds of each kept coefficient its bound
     */
    record HeadPlan(HeadTransform.Head head, MemorySegment rowOf, MemorySegment bounds) {}

    /** A coefficient that is coded, and its table. */
    private record Coefficient(int head, int index, int table) {}

    private Plan plan(int layer, int level) {
        int heads = 2 * profile.kvHeads();
        float step = profile.step(level);
        List<Coefficient> coded = new ArrayList<>();
        int[] kept = new int[heads];
        for (int head = 0; head < heads; head++) {
            float[] deviations = profile.deviations(layer * heads + head);
            kept[head] = kept(deviations, step);
            int first = head < profile.kvHeads() ? 0 : KltClasses.COUNT;
            for (int j = 0; j < kept[head]; j++) {
                int index = Math.max(0, KltClasses.of((double) deviations[j] / step));
                coded.add(new Coefficient(head, j, first + index));
            }
        }
        // Rows of one table lie together, so that it stays in the cache.
        coded.sort(Comparator.comparingInt(Coefficient::table));
        MemorySegment tableOf = arena.allocate(Math.max(2, 2L * coded.size()), 8);
        List<HeadPlan> headPlans = new ArrayList<>();
        for (int head = 0; head < heads; head++) {
            Matrices with = matrices[layer * heads + head];
            headPlans.add(
                    new HeadPlan(
                            new HeadTransform.Head(profile.headDim(), kept[head], with, step),
                            arena.allocate(Math.max(4, 4L * kept[head]), 8),
                            arena.allocate(Math.max(1, kept[head]), 8)));
        }
        for (int row = 0; row < coded.size(); row++) {
            Coefficient of = coded.get(row);
            tableOf.setAtIndex(JAVA_SHORT, row, (short) of.table());
            HeadPlan plan = headPlans.get(of.head());
            plan.rowOf().setAtIndex(JAVA_INT, of.index(), row);
            plan.bounds().set(JAVA_BYTE, of.index(), (byte) profile.table(of.table()).bound());
        }
        return new Plan(coded.size(), tableOf, headPlans);
    }

    private static int kept(float[] deviations, float step) {
        int kept = deviations.length;
        while (kept > 0 && KltClasses.of((double) deviations[kept - 1] / step) < 0) {
            kept--;
        }
        return kept;
    }

    KltProfile profile() {
        return profile;
    }

    Plan at(int layer, int level) {
        return plans[layer][level];
    }

    TurnTable turns(int layer) {
        return turns[layer];
    }

    MemorySegment divisors() {
        return divisors;
    }

    MemorySegment slots() {
        return slots;
    }
}
