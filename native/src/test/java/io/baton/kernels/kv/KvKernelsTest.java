package io.baton.kernels.kv;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.baton.kernels.c.CKv;
import io.baton.kernels.c.Level;
import io.baton.kernels.c.NativeUnavailable;
import io.baton.kernels.entropy.RansCoder;
import io.baton.kernels.kv.AnchorPlan.Bits;
import io.baton.kernels.kv.AnchorPlan.Limits;
import io.baton.kernels.kv.AnchorPlan.Steps;
import io.baton.kernels.kv.KvKernels.Coded;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.SplittableRandom;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.Parameter;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.provider.MethodSource;

/** All kernels give the bytes of plain Java. */
@ParameterizedClass
@MethodSource("kernels")
class KvKernelsTest {
    private static final KvKernels REFERENCE = new ReferenceKv();
    private static final LayerShape[] SHAPES = {
        new LayerShape(1, 16, 1, 8, false),
        new LayerShape(3, 16, 2, 24, true),
        new LayerShape(2, 5, 1, 7, false),
        new LayerShape(2, 20, 3, 33, true),
        new LayerShape(16, 16, 3, 64, false),
        new LayerShape(4, 16, 1, 256, true)
    };

    @Parameter Case tested = new Case("unset", REFERENCE);

    private final SplittableRandom random = new SplittableRandom(5);
    private final Arena arena = Arena.ofAuto();

    record Case(String name, KvKernels kernels) {
        @Override
        public String toString() {
            return name;
        }
    }

    static Stream<Case> kernels() throws NativeUnavailable {
        Stream<Case> java = Stream.of(new Case("java", REFERENCE));
        try {
            return Stream.concat(
                    java,
                    Stream.of(
                            new Case("c", CKv.open(Level.PORTABLE)),
                            new Case("c wide", CKv.open(Level.AVX2))));
        } catch (NativeUnavailable e) {
            return java;
        }
    }

    /** Each channel with a size and a mean of its own; now and then an outlier or a zero. */
    private MemorySegment kv(LayerShape layer) {
        MemorySegment raw = arena.allocate(2L * layer.values(), 8);
        double[] sizes =
                random.doubles(2L * layer.channels(), -3, 3).map(StrictMath::exp).toArray();
        for (int token = 0; token < layer.tokens(); token++) {
            for (int row = 0; row < 2 * layer.heads(); row++) {
                boolean value = row >= layer.heads();
                int at = layer.row(value, row % layer.heads(), token);
                for (int d = 0; d < layer.dim(); d++) {
                    double size = sizes[row * layer.dim() + d];
                    double x = size * (random.nextGaussian() + row % 3);
                    int odd = random.nextInt(500);
                    x = odd == 0 ? 0 : odd == 1 ? 30 * x : odd == 2 ? 1e-7 * x : x;
                    ReferenceKv.store(layer, raw, at + d, (float) x);
                }
            }
        }
        return raw;
    }

    private MemorySegment noise(long bytes) {
        byte[] noise = new byte[(int) bytes];
        random.nextBytes(noise);
        return arena.allocate(Math.max(8, bytes), 8).copyFrom(MemorySegment.ofArray(noise));
    }

    private static void same(MemorySegment expected, MemorySegment actual) {
        assertEquals(-1, expected.mismatch(actual));
    }

    private AnchorPlan plan(LayerShape layer) {
        int first = random.nextInt(layer.tokens());
        int coded = 1 + random.nextInt(layer.tokens() - first);
        Bits bits = new Bits(random.nextInt(4), random.nextInt(4));
        int coarse = -random.nextInt(60);
        Limits limits = random.nextBoolean() ? Limits.NONE : new Limits(90, 100, 80, 120);
        return new AnchorPlan(
                layer, first, coded, new Steps(coarse - 10, coarse, -20, -16, bits), limits);
    }

    private Coded coded(AnchorPlan plan) {
        return new Coded(noise(plan.sideBytes()), noise(plan.symbols()), noise(plan.lowBytes()));
    }

    @Test
    void splitAndMerge() {
        for (LayerShape layer : SHAPES) {
            MemorySegment raw = noise(2L * layer.values());
            MemorySegment work = noise(KvKernels.workBytes(layer));
            MemorySegment[] out = new MemorySegment[4];
            for (int i = 0; i < out.length; i++) {
                out[i] = noise(layer.values());
            }
            REFERENCE.split(layer, raw, out[0], out[1], work);
            tested.kernels().split(layer, raw, out[2], out[3], work);
            same(out[0], out[2]);
            same(out[1], out[3]);
            MemorySegment back = noise(raw.byteSize());
            tested.kernels().merge(layer, out[2], out[3], back, work);
            same(raw, back);
        }
    }

    @Test
    void countsAndSums() {
        MemorySegment symbols = noise(7L * 50);
        MemorySegment tableOf = arena.allocate(14, 8);
        for (int row = 0; row < 7; row++) {
            tableOf.setAtIndex(ValueLayout.JAVA_SHORT, row, (short) random.nextInt(3));
        }
        MemorySegment[] counts = {arena.allocate(3 * 1024, 8), arena.allocate(3 * 1024, 8)};
        MemorySegment[] sums = {arena.allocate(28, 8), arena.allocate(28, 8)};
        RansCoder.Rows rows = new RansCoder.Rows(7, 50, 3, tableOf);
        REFERENCE.count(rows, symbols, counts[0]);
        REFERENCE.sums(7, 50, symbols, sums[0]);
        tested.kernels().count(rows, symbols, counts[1]);
        tested.kernels().sums(7, 50, symbols, sums[1]);
        same(counts[0], counts[1]);
        same(sums[0], sums[1]);
    }

    @Test
    void anchorsGiveTheBytesOfPlainJava() {
        for (int round = 0; round < 60; round++) {
            LayerShape layer = SHAPES[round % (round < 20 ? SHAPES.length : 4)];
            MemorySegment raw = kv(layer);
            AnchorPlan plan = plan(layer);
            MemorySegment work = noise(plan.workBytes());
            Coded expected = coded(plan);
            Coded actual = coded(plan);
            assertTrue(REFERENCE.quantise(plan, raw, expected, work));
            assertTrue(tested.kernels().quantise(plan, raw, actual, work));
            same(expected.side(), actual.side());
            same(expected.symbols(), actual.symbols());
            same(expected.low(), actual.low());
            dequantised(plan, expected);
            dequantised(plan, coded(plan));
        }
    }

    /** Of any bytes the same values, and rows that are not coded are left alone. */
    private void dequantised(AnchorPlan plan, Coded coded) {
        MemorySegment expected = noise(2L * plan.layer().values());
        MemorySegment actual = arena.allocate(expected.byteSize(), 8).copyFrom(expected);
        MemorySegment work = noise(plan.workBytes());
        REFERENCE.dequantise(plan, coded, expected, work);
        tested.kernels().dequantise(plan, coded, actual, work);
        same(expected, actual);
    }

    @Test
    void finerStepsAreNearer() {
        LayerShape layer = new LayerShape(16, 16, 2, 64, false);
        MemorySegment raw = kv(layer);
        double before = Double.MAX_VALUE;
        for (int offset : new int[] {-4, -12, -20}) {
            Steps steps = new Steps(-128, -128, offset, offset, new Bits(3, 3));
            AnchorPlan plan = new AnchorPlan(layer, 0, layer.tokens(), steps, Limits.NONE);
            Coded coded = coded(plan);
            MemorySegment work = noise(plan.workBytes());
            assertTrue(tested.kernels().quantise(plan, raw, coded, work));
            MemorySegment back = noise(raw.byteSize());
            tested.kernels().dequantise(plan, coded, back, work);
            double error = 0;
            double power = 0;
            for (int i = 0; i < layer.values(); i++) {
                double x = ReferenceKv.load(layer, raw, i);
                error += Math.pow(x - ReferenceKv.load(layer, back, i), 2);
                power += x * x;
            }
            assertTrue(error < before / 2, "offset " + offset + ": " + error + " of " + power);
            before = error;
        }
    }

    @Test
    void bytesAndBack() {
        for (LayerShape layer : SHAPES) {
            MemorySegment raw = kv(layer);
            MemorySegment work = noise(KvKernels.workBytes(layer));
            MemorySegment[] scales = {
                noise(2L * KvKernels.scales(layer)), noise(2L * KvKernels.scales(layer))
            };
            MemorySegment[] symbols = {noise(layer.values()), noise(layer.values())};
            assertTrue(REFERENCE.toBytes(layer, raw, scales[0], symbols[0], work));
            assertTrue(tested.kernels().toBytes(layer, raw, scales[1], symbols[1], work));
            same(scales[0], scales[1]);
            same(symbols[0], symbols[1]);
            for (MemorySegment any : new MemorySegment[] {symbols[0], noise(layer.values())}) {
                MemorySegment expected = noise(raw.byteSize());
                MemorySegment actual = noise(raw.byteSize());
                assertTrue(REFERENCE.fromBytes(layer, scales[0], any, expected, work));
                assertTrue(tested.kernels().fromBytes(layer, scales[0], any, actual, work));
                same(expected, actual);
            }
            scales[0].set(ReferenceKv.U16, 2, (short) 0x8001);
            assertFalse(tested.kernels().fromBytes(layer, scales[0], symbols[0], raw, work));
        }
    }

    @Test
    void valuesThatAreTooLargeAreRefused() {
        for (LayerShape layer : SHAPES) {
            int[] bad = layer.half() ? new int[] {0x7c00, 0xfe00} : new int[] {0x4b80, 0xff80};
            for (int bits : bad) {
                MemorySegment raw = kv(layer);
                raw.set(ReferenceKv.U16, 2L * random.nextInt(layer.values()), (short) bits);
                AnchorPlan plan = plan(layer);
                MemorySegment work = noise(plan.workBytes());
                assertFalse(tested.kernels().quantise(plan, raw, coded(plan), work));
                MemorySegment scales = noise(2L * KvKernels.scales(layer));
                assertFalse(
                        tested.kernels().toBytes(layer, raw, scales, noise(layer.values()), work));
            }
        }
    }
}
