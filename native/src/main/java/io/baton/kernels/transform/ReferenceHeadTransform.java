package io.baton.kernels.transform;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_FLOAT;
import static java.lang.foreign.ValueLayout.JAVA_INT;

import io.baton.kernels.host.Bfloat16;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.util.Arrays;

/** {@link HeadTransform} in plain Java: the oracle of the others. */
public final class ReferenceHeadTransform implements HeadTransform {
    private static final ValueLayout.OfShort U16 =
            ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    private static final int TOKENS = BLOCK_TOKENS;

    @Override
    public int forward(Head head, Turn turn, Rows rows, int skipped, Symbols symbols) {
        int dim = head.headDim();
        float[] x = new float[dim * TOKENS];
        float[] y = new float[TOKENS];
        float reciprocal = 1f / head.step();
        Escapes escapes = new Escapes(symbols.escapes());
        for (int block = 0; block < rows.blocks(); block++) {
            read(rows, block, dim, x);
            turn(turn, block, x, -1f);
            int zeros = block == 0 ? skipped : 0;
            for (int j = 0; j < head.kept(); j++) {
                Arrays.fill(y, head.matrices().offset().getAtIndex(JAVA_FLOAT, j));
                for (int d = 0; d < dim; d++) {
                    add(y, head.matrices().forward().getAtIndex(JAVA_FLOAT, j * dim + d), x, d);
                }
                int bound = symbols.bounds().get(JAVA_BYTE, j);
                for (int t = 0; t < TOKENS; t++) {
                    int q = t < zeros ? 0 : rounded(y[t] * reciprocal);
                    boolean fits = -bound <= q && q <= bound;
                    symbols.memory()
                            .set(JAVA_BYTE, at(symbols, j, block) + t, fits ? (byte) q : ESCAPE);
                    if (!fits && !escapes.put(q)) {
                        return -1;
                    }
                }
            }
        }
        return escapes.count();
    }

    /** To nearest even, cut to 16 bits; what is no number becomes the least. */
    private static int rounded(float value) {
        return value >= -32_768f ? (int) Math.rint(Math.min(value, 32_767f)) : -32_768;
    }

    private static long at(Symbols symbols, int coefficient, int block) {
        long row = symbols.rowOf().getAtIndex(JAVA_INT, coefficient);
        return row * symbols.columns() + (long) block * TOKENS;
    }

    /** {@code sum[t] += factor * x[line][t]}. */
    private static void add(float[] sum, float factor, float[] x, int line) {
        for (int t = 0; t < TOKENS; t++) {
            sum[t] = Math.fma(factor, x[line * TOKENS + t], sum[t]);
        }
    }

    /** A block's rows as columns. */
    private static void read(Rows rows, int block, int dim, float[] x) {
        long at = block * rows.strideBytes();
        for (int t = 0; t < TOKENS; t++) {
            for (int d = 0; d < dim; d++) {
                short bits = rows.memory().get(U16, at);
                x[d * TOKENS + t] =
                        rows.half() ? Float.float16ToFloat(bits) : Bfloat16.toFloat(bits);
                at += Short.BYTES;
            }
        }
    }

    /** Rotates pairs by their angle times the sign. */
    private static void turn(Turn turn, int block, float[] x, float sign) {
        int pairs = turn.rotated() / 2;
        for (int i = 0; i < pairs; i++) {
            int first = (turn.interleaved() ? 2 * i : i) * TOKENS;
            int second = (turn.interleaved() ? 2 * i + 1 : i + pairs) * TOKENS;
            for (int t = 0; t < TOKENS; t++) {
                long at = ((long) block * pairs + i) * TOKENS + t;
                float cos = turn.cos().getAtIndex(JAVA_FLOAT, at);
                float sin = sign * turn.sin().getAtIndex(JAVA_FLOAT, at);
                float a = x[first + t];
                float b = x[second + t];
                x[first + t] = Math.fma(-sin, b, cos * a);
                x[second + t] = Math.fma(sin, a, cos * b);
            }
        }
    }

    @Override
    public int inverse(Head head, Turn turn, Symbols symbols, Rows rows) {
        int dim = head.headDim();
        float[] y = new float[head.kept() * TOKENS];
        float[] x = new float[dim * TOKENS];
        float[] sum = new float[TOKENS];
        Escapes escapes = new Escapes(symbols.escapes());
        for (int block = 0; block < rows.blocks(); block++) {
            for (int j = 0; j < head.kept(); j++) {
                for (int t = 0; t < TOKENS; t++) {
                    int q = symbols.memory().get(JAVA_BYTE, at(symbols, j, block) + t);
                    if (q == ESCAPE && !escapes.hasNext()) {
                        return -1;
                    }
                    y[j * TOKENS + t] = (q == ESCAPE ? escapes.next() : q) * head.step();
                }
            }
            for (int d = 0; d < dim; d++) {
                Arrays.fill(sum, head.matrices().mean().getAtIndex(JAVA_FLOAT, d));
                for (int j = 0; j < head.kept(); j++) {
                    add(sum, head.matrices().inverse().getAtIndex(JAVA_FLOAT, d * dim + j), y, j);
                }
                System.arraycopy(sum, 0, x, d * TOKENS, TOKENS);
            }
            turn(turn, block, x, 1f);
            write(rows, block, dim, x);
        }
        return escapes.count();
    }

    private static void write(Rows rows, int block, int dim, float[] x) {
        long at = block * rows.strideBytes();
        for (int t = 0; t < TOKENS; t++) {
            for (int d = 0; d < dim; d++) {
                float value = x[d * TOKENS + t];
                rows.memory()
                        .set(
                                U16,
                                at,
                                rows.half()
                                        ? Float.floatToFloat16(value)
                                        : Bfloat16.ofFloat(value));
                at += Short.BYTES;
            }
        }
    }

    /** The side stream of large coefficients. */
    private static final class Escapes {
        private final MemorySegment memory;
        private int count;

        Escapes(MemorySegment memory) {
            this.memory = memory;
        }

        boolean put(int q) {
            if (!hasNext()) {
                return false;
            }
            memory.set(U16, 2L * count++, (short) q);
            return true;
        }

        boolean hasNext() {
            return 2L * count + 2 <= memory.byteSize();
        }

        int next() {
            return memory.get(U16, 2L * count++);
        }

        int count() {
            return count;
        }
    }
}
