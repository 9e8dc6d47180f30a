package io.baton.kernels.transform;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_FLOAT;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_SHORT;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.abort;

import io.baton.kernels.c.CHeadTransform;
import io.baton.kernels.c.Level;
import io.baton.kernels.c.NativeUnavailable;
import io.baton.kernels.transform.HeadTransform.Head;
import io.baton.kernels.transform.HeadTransform.Matrices;
import io.baton.kernels.transform.HeadTransform.Rows;
import io.baton.kernels.transform.HeadTransform.Symbols;
import io.baton.kernels.transform.HeadTransform.Turn;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

class HeadTransformTest {
    private static final HeadTransform REFERENCE = new ReferenceHeadTransform();
    private static final int TOKENS = HeadTransform.BLOCK_TOKENS;
    private static final int SKIPPED = 3;

    /** Shapes with and without rests of vectors, each with rotation of a kind. */
    record Case(int dim, int kept, int rotated, boolean interleaved, boolean half, int blocks) {}

    static Stream<Case> cases() {
        return Stream.of(
                new Case(64, 64, 64, true, false, 16),
                new Case(64, 41, 64, false, true, 3),
                new Case(128, 100, 128, false, false, 2),
                new Case(256, 7, 0, false, false, 1),
                new Case(80, 80, 32, true, false, 2),
                new Case(20, 19, 10, false, true, 2),
                new Case(6, 5, 6, true, false, 1),
                new Case(512, 511, 512, false, false, 1),
                new Case(2, 0, 2, false, false, 2));
    }

    @ParameterizedTest
    @MethodSource("cases")
    void cGivesTheBitsOfJavaOnEveryLevel(Case shape) {
        List<HeadTransform> others = nativeLevels();
        try (Arena arena = Arena.ofConfined()) {
            Inputs in = new Inputs(arena, shape, new Random(7), 0.05f);
            Coded expected = in.forward(REFERENCE);
            assertTrue(expected.escaped() >= 0);
            MemorySegment back = in.inverse(REFERENCE, expected);
            for (HeadTransform other : others) {
                Coded coded = in.forward(other);
                assertEquals(expected.escaped(), coded.escaped());
                assertEquals(-1, coded.symbols().mismatch(expected.symbols()));
                assertEquals(-1, coded.escapes().mismatch(expected.escapes()));
                assertEquals(-1, in.inverse(other, expected).mismatch(back));
            }
        }
    }

    @Test
    void whatIsNoNumberIsCodedAlike() {
        List<HeadTransform> others = nativeLevels();
        try (Arena arena = Arena.ofConfined()) {
            Inputs in =
                    new Inputs(arena, new Case(64, 64, 64, false, false, 1), new Random(3), 0.5f);
            in.rows.setAtIndex(JAVA_SHORT, 5, (short) 0x7fc0);
            in.rows.setAtIndex(JAVA_SHORT, 64 * 3, (short) 0x7f80);
            in.rows.setAtIndex(JAVA_SHORT, 64 * 9, (short) 0xff7f);
            Coded expected = in.forward(REFERENCE);
            assertTrue(expected.escaped() > 0);
            for (HeadTransform other : others) {
                Coded coded = in.forward(other);
                assertEquals(-1, coded.symbols().mismatch(expected.symbols()));
                assertEquals(-1, coded.escapes().mismatch(expected.escapes()));
            }
        }
    }

    @Test
    void orthogonalMatricesGiveBackWhatWasCoded() {
        try (Arena arena = Arena.ofConfined()) {
            Inputs in =
                    new Inputs(arena, new Case(64, 64, 64, true, false, 4), new Random(5), 0.01f);
            for (HeadTransform transform : all()) {
                MemorySegment back = in.inverse(transform, in.forward(transform));
                for (int i = SKIPPED * 64; i < in.rows.byteSize() / 2; i++) {
                    float before = value(in.rows, i);
                    // Rounding in 64 coefficients, then of the 16-bit number.
                    assertEquals(before, value(back, i), 0.06f + Math.abs(before) / 128);
                }
            }
        }
    }

    @Test
    void escapesWithoutRoomAndMissingOnesAreRefused() {
        try (Arena arena = Arena.ofConfined()) {
            Inputs in =
                    new Inputs(arena, new Case(64, 64, 0, false, false, 2), new Random(11), 0.001f);
            for (HeadTransform transform : all()) {
                Coded coded = in.forward(transform);
                assertTrue(coded.escaped() > 0);
                MemorySegment fewer = coded.escapes().asSlice(0, 2L * coded.escaped() - 2);
                Coded cut = new Coded(coded.escaped(), coded.symbols(), fewer);
                assertEquals(-1, transform.forward(in.head, in.turn, in.from(), 0, in.to(cut)));
                assertEquals(-1, transform.inverse(in.head, in.turn, in.to(cut), in.from()));
            }
        }
    }

    private static float value(MemorySegment rows, int index) {
        return Float.intBitsToFloat(rows.getAtIndex(JAVA_SHORT, index) << 16);
    }

    private static List<HeadTransform> all() {
        List<HeadTransform> all = new ArrayList<>(List.of(REFERENCE));
        try {
            all.add(CHeadTransform.open(Level.cap()));
        } catch (NativeUnavailable e) {
            return all;
        }
        return all;
    }

    /** Lower levels of the library too: what is above this machine's falls back. */
    private static List<HeadTransform> nativeLevels() {
        List<HeadTransform> levels = new ArrayList<>();
        try {
            for (Level level : Level.values()) {
                levels.add(CHeadTransform.open(level));
            }
        } catch (NativeUnavailable e) {
            abort("no native kernels here: " + e.getMessage());
        }
        return levels;
    }

    private record Coded(int escaped, MemorySegment symbols, MemorySegment escapes) {}

    /** A head with random rows and, for matrices, products of random reflections. */
    private static final class Inputs {
        private final Arena arena;
        private final Case shape;
        private final MemorySegment rows;
        private final Head head;
        private final Turn turn;
        private final MemorySegment rowOf;
        private final MemorySegment bounds;

        Inputs(Arena arena, Case shape, Random random, float step) {
            this.arena = arena;
            this.shape = shape;
            int dim = shape.dim();
            rows = arena.allocate(2L * dim * TOKENS * shape.blocks(), 64);
            for (int i = 0; i < rows.byteSize() / 2; i++) {
                float value = (float) random.nextGaussian();
                short bits =
                        shape.half()
                                ? Float.floatToFloat16(value)
                                : (short) (Float.floatToIntBits(value) >>> 16);
                rows.setAtIndex(JAVA_SHORT, i, bits);
            }
            float[][] orthogonal = orthogonal(dim, random);
            MemorySegment forward = arena.allocate(4L * dim * dim, 64);
            MemorySegment inverse = arena.allocate(4L * dim * dim, 64);
            for (int j = 0; j < dim; j++) {
                for (int d = 0; d < dim; d++) {
                    forward.setAtIndex(JAVA_FLOAT, (long) j * dim + d, orthogonal[j][d]);
                    inverse.setAtIndex(JAVA_FLOAT, (long) d * dim + j, orthogonal[j][d]);
                }
            }
            MemorySegment zeros = arena.allocate(4L * dim, 64);
            head = new Head(dim, shape.kept(), new Matrices(forward, zeros, inverse, zeros), step);
            turn = turn(random);
            rowOf = arena.allocate(4L * Math.max(1, shape.kept()), 8);
            bounds = arena.allocate(Math.max(1, shape.kept()), 8);
            for (int j = 0; j < shape.kept(); j++) {
                rowOf.setAtIndex(JAVA_INT, j, shape.kept() - 1 - j);
                bounds.set(JAVA_BYTE, j, (byte) (j % 3 == 0 ? 30 : HeadTransform.MAX_BOUND));
            }
        }

        private Turn turn(Random random) {
            if (shape.rotated() == 0) {
                return Turn.NONE;
            }
            long count = (long) shape.rotated() / 2 * TOKENS * shape.blocks();
            MemorySegment cos = arena.allocate(4 * count, 64);
            MemorySegment sin = arena.allocate(4 * count, 64);
            for (long i = 0; i < count; i++) {
                double angle = 100 * random.nextDouble();
                cos.setAtIndex(JAVA_FLOAT, i, (float) Math.cos(angle));
                sin.setAtIndex(JAVA_FLOAT, i, (float) Math.sin(angle));
            }
            return new Turn(shape.rotated(), shape.interleaved(), cos, sin);
        }

        private static float[][] orthogonal(int dim, Random random) {
            double[][] matrix = new double[dim][dim];
            for (int i = 0; i < dim; i++) {
                matrix[i][i] = 1;
            }
            for (int reflection = 0; reflection < 3; reflection++) {
                double[] v = random.doubles(dim, -1, 1).toArray();
                double square = 0;
                for (double value : v) {
                    square += value * value;
                }
                for (double[] row : matrix) {
                    double dot = 0;
                    for (int d = 0; d < dim; d++) {
                        dot += row[d] * v[d];
                    }
                    for (int d = 0; d < dim; d++) {
                        row[d] -= 2 * dot / square * v[d];
                    }
                }
            }
            float[][] floats = new float[dim][dim];
            for (int i = 0; i < dim; i++) {
                for (int d = 0; d < dim; d++) {
                    floats[i][d] = (float) matrix[i][d];
                }
            }
            return floats;
        }

        Rows from() {
            return new Rows(rows, 2L * shape.dim() * TOKENS, shape.blocks(), shape.half());
        }

        Symbols to(Coded coded) {
            return new Symbols(
                    coded.symbols(), TOKENS * shape.blocks(), rowOf, bounds, coded.escapes());
        }

        Coded forward(HeadTransform transform) {
            long values = (long) Math.max(1, shape.kept()) * TOKENS * shape.blocks();
            Coded coded = new Coded(0, arena.allocate(values), arena.allocate(2 * values, 8));
            int escaped = transform.forward(head, turn, from(), SKIPPED, to(coded));
            return new Coded(escaped, coded.symbols(), coded.escapes());
        }

        MemorySegment inverse(HeadTransform transform, Coded coded) {
            MemorySegment back = arena.allocate(rows.byteSize(), 64);
            Rows to = new Rows(back, 2L * shape.dim() * TOKENS, shape.blocks(), shape.half());
            assertEquals(coded.escaped(), transform.inverse(head, turn, to(coded), to));
            return back;
        }
    }
}
