package io.baton.kernels.kv;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;

import io.baton.kernels.entropy.RansCoder;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;

/** The kernels in plain Java, as {@link KvKernels} and {@link AnchorPlan} write them down. */
public final class ReferenceKv implements KvKernels {
    static final ValueLayout.OfShort U16 =
            ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    private static final ValueLayout.OfInt U32 = ValueLayout.JAVA_INT_UNALIGNED;

    /** More than the largest value, 2^24, by 127. */
    private static final int HIGHEST_SCALE = 0x4880;

    @Override
    public void split(
            LayerShape layer,
            MemorySegment raw,
            MemorySegment exponents,
            MemorySegment low,
            MemorySegment work) {
        forEach(
                layer,
                (at, byChannel) -> {
                    int value = raw.get(U16, 2L * at);
                    exponents.set(JAVA_BYTE, byChannel, (byte) (value >> 7));
                    low.set(JAVA_BYTE, at, (byte) (value >> 8 & 0x80 | value & 0x7f));
                });
    }

    @Override
    public void merge(
            LayerShape layer,
            MemorySegment exponents,
            MemorySegment low,
            MemorySegment raw,
            MemorySegment work) {
        forEach(
                layer,
                (at, byChannel) -> {
                    int exponent = exponents.get(JAVA_BYTE, byChannel) & 0xff;
                    int rest = low.get(JAVA_BYTE, at);
                    int value = (rest & 0x80) << 8 | exponent << 7 | rest & 0x7f;
                    raw.set(U16, 2L * at, (short) value);
                });
    }

    /** Index of a value in the raw order, and in rows of channels. */
    private interface Visitor {
        void visit(int raw, int byChannel);
    }

    private static void forEach(LayerShape layer, Visitor visitor) {
        for (int token = 0; token < layer.tokens(); token++) {
            for (int head = 0; head < 2 * layer.heads(); head++) {
                boolean value = head >= layer.heads();
                int at = layer.row(value, head % layer.heads(), token);
                for (int d = 0; d < layer.dim(); d++) {
                    visitor.visit(at + d, (head * layer.dim() + d) * layer.tokens() + token);
                }
            }
        }
    }

    @Override
    public void count(RansCoder.Rows rows, MemorySegment symbols, MemorySegment counts) {
        for (int row = 0; row < rows.rows(); row++) {
            long table = 1024L * Short.toUnsignedInt(rows.tableOf().get(U16, 2L * row));
            for (int column = 0; column < rows.columns(); column++) {
                long index = (long) row * rows.columns() + column;
                long at = table + 4L * Byte.toUnsignedInt(symbols.get(JAVA_BYTE, index));
                counts.set(U32, at, counts.get(U32, at) + 1);
            }
        }
    }

    @Override
    public void sums(int rows, int columns, MemorySegment symbols, MemorySegment sums) {
        for (int row = 0; row < rows; row++) {
            int sum = 0;
            for (int column = 0; column < columns; column++) {
                sum += Byte.toUnsignedInt(symbols.get(JAVA_BYTE, (long) row * columns + column));
            }
            sums.set(U32, 4L * row, sum);
        }
    }

    private static boolean isTooLarge(LayerShape layer, MemorySegment raw) {
        int limit = layer.half() ? 0x7c00 : 0x4b80;
        for (int i = 0; i < layer.values(); i++) {
            if ((raw.get(U16, 2L * i) & 0x7fff) >= limit) {
                return true;
            }
        }
        return false;
    }

    @Override
    public boolean quantise(AnchorPlan plan, MemorySegment raw, Coded coded, MemorySegment work) {
        coded.requireRoom(plan);
        if (isTooLarge(plan.layer(), raw)) {
            return false;
        }
        new ReferenceAnchors(plan, raw, coded).quantise();
        return true;
    }

    @Override
    public void dequantise(AnchorPlan plan, Coded coded, MemorySegment raw, MemorySegment work) {
        coded.requireRoom(plan);
        new ReferenceAnchors(plan, raw, coded).dequantise();
    }

    @Override
    public boolean toBytes(
            LayerShape layer,
            MemorySegment raw,
            MemorySegment scales,
            MemorySegment symbols,
            MemorySegment work) {
        if (isTooLarge(layer, raw)) {
            return false;
        }
        for (int c = 0; c < layer.channels(); c++) {
            float most = 0;
            for (int token = 0; token < layer.tokens(); token++) {
                int at = layer.row(false, c / layer.dim(), token) + c % layer.dim();
                most = Math.max(most, Math.abs(load(layer, raw, at)));
            }
            scales.set(U16, 2L * c, scale(most));
        }
        int scale = layer.channels();
        for (int row = 0; row < layer.values() / layer.dim(); row++) {
            int at = row * layer.dim();
            boolean value = row / layer.blockTokens() / layer.heads() % 2 == 1;
            if (value) {
                float most = 0;
                for (int d = 0; d < layer.dim(); d++) {
                    most = Math.max(most, Math.abs(load(layer, raw, at + d)));
                }
                scales.set(U16, 2L * scale, scale(most));
            }
            int head = row / layer.blockTokens() % layer.heads();
            for (int d = 0; d < layer.dim(); d++) {
                float by = scale(scales, value ? scale : head * layer.dim() + d);
                float scaled = load(layer, raw, at + d) * (by == 0 ? 0 : 1 / by);
                symbols.set(JAVA_BYTE, at + d, (byte) StepCodes.number(scaled, -127, 127));
            }
            scale += value ? 1 : 0;
        }
        return true;
    }

    /** The upper half of a float32 that 127 times is at least this; 0 for next to nothing. */
    private static short scale(float largest) {
        int upper = Float.floatToRawIntBits(largest / 127) + 0xffff >>> 16;
        return (short) (upper < 0x80 ? 0 : upper);
    }

    private static float scale(MemorySegment scales, int index) {
        return Float.intBitsToFloat(scales.get(U16, 2L * index) << 16);
    }

    @Override
    public boolean fromBytes(
            LayerShape layer,
            MemorySegment scales,
            MemorySegment symbols,
            MemorySegment raw,
            MemorySegment work) {
        for (int i = 0; i < KvKernels.scales(layer); i++) {
            if (Short.toUnsignedInt(scales.get(U16, 2L * i)) > HIGHEST_SCALE) {
                return false;
            }
        }
        int scale = layer.channels();
        for (int row = 0; row < layer.values() / layer.dim(); row++) {
            boolean value = row / layer.blockTokens() / layer.heads() % 2 == 1;
            int head = row / layer.blockTokens() % layer.heads();
            for (int d = 0; d < layer.dim(); d++) {
                int at = row * layer.dim() + d;
                int number = Byte.toUnsignedInt(symbols.get(JAVA_BYTE, at)) - 128;
                store(
                        layer,
                        raw,
                        at,
                        number * scale(scales, value ? scale : head * layer.dim() + d));
            }
            scale += value ? 1 : 0;
        }
        return true;
    }

    static float load(LayerShape layer, MemorySegment raw, int at) {
        short bits = raw.get(U16, 2L * at);
        return layer.half() ? Float.float16ToFloat(bits) : Float.intBitsToFloat(bits << 16);
    }

    /** Rounded to nearest, ties to even; f16 stays finite. */
    static void store(LayerShape layer, MemorySegment raw, int at, float value) {
        short rounded;
        if (layer.half()) {
            rounded = Float.floatToFloat16(Math.clamp(value, -65504f, 65504f));
        } else {
            int bits = Float.floatToRawIntBits(value);
            rounded = (short) (bits + 0x7fff + (bits >>> 16 & 1) >>> 16);
        }
        raw.set(U16, 2L * at, rounded);
    }
}
