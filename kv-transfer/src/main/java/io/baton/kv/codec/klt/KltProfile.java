package io.baton.kv.codec.klt;

import io.baton.kernels.entropy.RansCoder;
import io.baton.kernels.transform.HeadTransform;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.List;

/**
 * What {@code klt} keeps for a model: the transform of every head, and tables. A section of a
 * profile file, all little-endian:
 *
 * <pre>
 *   u16 layers | u16 KV heads | u16 head dimension | u16 0 | f32 step of level 0
 *   layers:  u16 pairs | u8 interleaved | u8 0 | f32 angle of each pair
 *   heads of each layer, keys before values:
 *            f32 mean [dim] | f32 deviation [dim] | f32 forward [dim][dim]
 *   tables of keys, then values, 41 each: u8 bound | u16 frequency of the escape, then of -bound to bound
 * </pre>
 *
 * Immutable.
 */
public final class KltProfile {
    /** Levels; each has a step sqrt(2) times that of the one before. */
    public static final int LEVELS = 7;

    /** A seventh of the size, more or less. */
    public static final int DEFAULT_LEVEL = 2;

    /** The escape as an unsigned byte. */
    static final int ESCAPE = HeadTransform.ESCAPE & 0xff;

    private static final int MOST_LAYERS = 1024;
    private static final int MOST_HEADS = 256;

    private final int kvHeads;
    private final int headDim;
    private final float step;
    private final List<KltModel.Layer> layers;
    private final float[][] means;
    private final float[][] deviations;
    private final float[][] forwards;
    private final KltTables.Table[] tables;

    private KltProfile(
            Shape shape, List<KltModel.Layer> layers, float[][][] heads, KltTables.Table[] tables) {
        this.kvHeads = shape.kvHeads();
        this.headDim = shape.headDim();
        this.step = shape.step();
        this.layers = List.copyOf(layers);
        this.means = heads[0];
        this.deviations = heads[1];
        this.forwards = heads[2];
        this.tables = tables;
    }

    private record Shape(int kvHeads, int headDim, float step) {}

    /** What a level's step is, in steps of level 0. */
    static double factor(int level) {
        return StrictMath.pow(2, level / 2.0);
    }

    /** Makes a profile of a model's transforms and the tables counted with them. */
    public static KltProfile of(
            KltModel model, KltTransform[] transforms, KltTables tables, float step) {
        float[][][] heads = new float[3][transforms.length][];
        for (int i = 0; i < transforms.length; i++) {
            heads[0][i] = floats(transforms[i].mean());
            heads[1][i] = floats(transforms[i].deviations());
            heads[2][i] = floats(transforms[i].forward());
        }
        Shape shape = new Shape(model.kvHeads(), model.headDim(), step);
        return new KltProfile(shape, model.layers(), heads, tables.tables());
    }

    private static float[] floats(double[] values) {
        float[] floats = new float[values.length];
        for (int i = 0; i < floats.length; i++) {
            floats[i] = (float) values[i];
        }
        return floats;
    }

    int layers() {
        return layers.size();
    }

    int kvHeads() {
        return kvHeads;
    }

    int headDim() {
        return headDim;
    }

    KltModel.Layer layer(int layer) {
        return layers.get(layer);
    }

    float[] mean(int head) {
        return means[head];
    }

    float[] deviations(int head) {
        return deviations[head];
    }

    float[] forward(int head) {
        return forwards[head];
    }

    float step(int level) {
        return (float) (step * factor(level));
    }

    KltTables.Table table(int index) {
        return tables[index];
    }

    /** The section's bytes. */
    public byte[] toBytes() {
        int size = 12;
        for (KltModel.Layer layer : layers) {
            size += 4 + 4 * layer.angles().length;
        }
        size += means.length * 4 * (2 * headDim + headDim * headDim);
        for (KltTables.Table table : tables) {
            size += 1 + 2 * (2 + 2 * table.bound());
        }
        ByteBuffer out = ByteBuffer.allocate(size).order(ByteOrder.LITTLE_ENDIAN);
        out.putShort((short) layers.size()).putShort((short) kvHeads).putShort((short) headDim);
        out.putShort((short) 0).putFloat(step);
        for (KltModel.Layer layer : layers) {
            out.putShort((short) layer.angles().length);
            out.putShort((short) (layer.interleaved() ? 1 : 0));
            put(out, layer.angles());
        }
        for (int i = 0; i < means.length; i++) {
            put(out, means[i]);
            put(out, deviations[i]);
            put(out, forwards[i]);
        }
        for (KltTables.Table table : tables) {
            out.put((byte) table.bound()).putShort((short) table.frequencies()[ESCAPE]);
            for (int q = -table.bound(); q <= table.bound(); q++) {
                out.putShort((short) table.frequencies()[q & 0xff]);
            }
        }
        return out.array();
    }

    private static void put(ByteBuffer out, float[] values) {
        for (float value : values) {
            out.putFloat(value);
        }
    }

    /**
     * Reads a section from anywhere.
     *
     * @throws IllegalArgumentException saying what is wrong with it
     */
    public static KltProfile parse(MemorySegment section) {
        ByteBuffer in = section.asByteBuffer().order(ByteOrder.LITTLE_ENDIAN);
        try {
            return parse(in);
        } catch (java.nio.BufferUnderflowException e) {
            throw new IllegalArgumentException("it is cut off", e);
        }
    }

    private static KltProfile parse(ByteBuffer in) {
        int layerCount = in.getShort() & 0xffff;
        int kvHeads = in.getShort() & 0xffff;
        int headDim = in.getShort() & 0xffff;
        check(in.getShort() == 0, "reserved bytes are not 0");
        float step = in.getFloat();
        check(layerCount > 0 && layerCount <= MOST_LAYERS, "it has %d layers", layerCount);
        check(kvHeads > 0 && kvHeads <= MOST_HEADS, "it has %d KV heads", kvHeads);
        check(
                headDim > 1 && headDim <= HeadTransform.MAX_HEAD_DIM && headDim % 2 == 0,
                "its heads have %d elements",
                headDim);
        check(step > 0 && Float.isFinite(step), "its step is not a positive number");
        List<KltModel.Layer> layers = new ArrayList<>();
        for (int i = 0; i < layerCount; i++) {
            int pairs = in.getShort() & 0xffff;
            int interleaved = in.getShort() & 0xffff;
            check(pairs <= headDim / 2 && interleaved <= 1, "a rotation is wrong");
            layers.add(new KltModel.Layer(floats(in, pairs), interleaved == 1, 0));
        }
        long need = 8L * layerCount * kvHeads * (2L * headDim + (long) headDim * headDim);
        check(in.remaining() >= need, "it is cut off");
        int headCount = 2 * layerCount * kvHeads;
        float[][][] heads = new float[3][headCount][];
        for (int i = 0; i < headCount; i++) {
            heads[0][i] = floats(in, headDim);
            heads[1][i] = floats(in, headDim);
            heads[2][i] = floats(in, headDim * headDim);
        }
        KltTables.Table[] tables = new KltTables.Table[2 * KltClasses.COUNT];
        for (int i = 0; i < tables.length; i++) {
            tables[i] = table(in);
        }
        check(!in.hasRemaining(), "%d bytes are left over", in.remaining());
        return new KltProfile(new Shape(kvHeads, headDim, step), layers, heads, tables);
    }

    private static float[] floats(ByteBuffer in, int count) {
        float[] values = new float[count];
        for (int i = 0; i < count; i++) {
            values[i] = in.getFloat();
            check(Float.isFinite(values[i]), "a number is not finite");
        }
        return values;
    }

    private static KltTables.Table table(ByteBuffer in) {
        int bound = in.get() & 0xff;
        check(bound <= HeadTransform.MAX_BOUND, "a bound is %d", bound);
        int[] frequencies = new int[RansCoder.SYMBOLS];
        frequencies[ESCAPE] = in.getShort() & 0xffff;
        int sum = frequencies[ESCAPE];
        int least = frequencies[ESCAPE];
        for (int q = -bound; q <= bound; q++) {
            int frequency = in.getShort() & 0xffff;
            frequencies[q & 0xff] = frequency;
            sum += frequency;
            least = Math.min(least, frequency);
        }
        check(sum == RansCoder.TOTAL && least > 0, "a table's frequencies are wrong");
        return new KltTables.Table(bound, frequencies);
    }

    private static void check(boolean holds, String message, Object... values) {
        if (!holds) {
            throw new IllegalArgumentException(message.formatted(values));
        }
    }

    /** All tables' frequencies as a {@link RansCoder} takes them. */
    void writeFrequencies(MemorySegment out) {
        long at = 0;
        for (KltTables.Table table : tables) {
            for (int frequency : table.frequencies()) {
                out.set(
                        ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN),
                        at,
                        (short) frequency);
                at += 2;
            }
        }
    }
}
