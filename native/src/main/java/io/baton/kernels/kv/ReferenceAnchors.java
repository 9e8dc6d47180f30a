package io.baton.kernels.kv;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;

import java.lang.foreign.MemorySegment;
import java.util.Arrays;

/** Coding of one layer by anchors, in plain Java. */
final class ReferenceAnchors {
    private static final float[] SHARES = {0, 0.5f, 1, 1};
    private static final int KEY_ANCHORS = 0;
    private static final int KEYS = 2;
    private static final int ANCHOR_STEPS = 4;
    private static final int STEPS = 5;

    private final AnchorPlan plan;
    private final LayerShape layer;
    private final MemorySegment raw;
    private final KvKernels.Coded coded;
    private final int channels;

    /** Of K and V: the numbers of anchors and of the rest, 128 for zero. */
    private final int[][] numbers = new int[AnchorPlan.PAIRED_RUNS][];

    /** Of K and V: the decoded anchors. */
    private final float[][] anchors = new float[2][];

    ReferenceAnchors(AnchorPlan plan, MemorySegment raw, KvKernels.Coded coded) {
        this.plan = plan;
        this.layer = plan.layer();
        this.raw = raw;
        this.coded = coded;
        this.channels = layer.channels();
        for (int run = 0; run < AnchorPlan.PAIRED_RUNS; run++) {
            numbers[run] = new int[plan.length(run)];
            Arrays.fill(numbers[run], 128);
        }
        for (int value = 0; value < 2; value++) {
            anchors[value] = new float[plan.anchors() * channels];
        }
    }

    void quantise() {
        for (int value = 0; value < 2; value++) {
            quantiseAnchors(value);
        }
        chooseShares();
        for (int value = 0; value < 2; value++) {
            quantiseRest(value);
        }
        pad(ANCHOR_STEPS);
        pad(STEPS);
        for (int run = 0; run < AnchorPlan.PAIRED_RUNS; run++) {
            separate(run);
        }
    }

    void dequantise() {
        for (int run = 0; run < AnchorPlan.PAIRED_RUNS; run++) {
            unite(run);
        }
        for (int value = 0; value < 2; value++) {
            for (int head = 0; head < layer.heads(); head++) {
                for (int token = 0; token < plan.coded(); token++) {
                    dequantise(value, head, token);
                }
            }
        }
    }

    private void dequantise(int value, int head, int token) {
        int anchor = head * plan.anchors() + token / AnchorPlan.GROUP;
        boolean isAnchor = token % AnchorPlan.GROUP == 0;
        int row = isAnchor ? anchor : rest(head, token);
        int at = layer.row(value == 1, head, plan.first() + token);
        for (int d = 0; d < layer.dim(); d++) {
            int run = (isAnchor ? KEY_ANCHORS : KEYS) + value;
            int number = numbers[run][row * layer.dim() + d] - 128;
            float x = number * step(value, isAnchor, row, head * layer.dim() + d);
            int known = anchor * layer.dim() + d;
            if (isAnchor) {
                anchors[value][known] = x;
            } else {
                x += share(value, head * layer.dim() + d) * anchors[value][known];
            }
            ReferenceKv.store(layer, raw, at + d, x);
        }
    }

    /** Among the rows that are no anchors, the one of this token. */
    private int rest(int head, int token) {
        return head * plan.rest() + token - token / AnchorPlan.GROUP - 1;
    }

    private float step(int value, boolean isAnchor, int row, int channel) {
        if (value == 1) {
            int run = isAnchor ? ANCHOR_STEPS : STEPS;
            return StepCodes.step(get(coded.symbols(), plan.symbolsAt(run) + row));
        }
        return StepCodes.step(get(coded.side(), (isAnchor ? 0 : channels) + channel));
    }

    private float share(int value, int channel) {
        return SHARES[get(coded.side(), 2 * channels + channel) >> 2 * value & 3];
    }

    private float load(int value, int head, int token, int d) {
        return ReferenceKv.load(layer, raw, layer.row(value == 1, head, plan.first() + token) + d);
    }

    private void quantiseAnchors(int value) {
        int dim = layer.dim();
        for (int c = 0; value == 0 && c < channels; c++) {
            float sum = 0;
            float largest = 0;
            for (int g = 0; g < plan.anchors(); g++) {
                float x = load(0, c / dim, g * AnchorPlan.GROUP, c % dim);
                sum += x * x;
                largest = Math.max(largest, x * x);
            }
            int code =
                    StepCodes.code(
                            sum / plan.anchors(),
                            largest,
                            plan.steps().keyAnchor(),
                            AnchorPlan.ANCHOR_BITS);
            coded.side().set(JAVA_BYTE, c, (byte) code);
        }
        for (int head = 0; head < layer.heads(); head++) {
            for (int g = 0; g < plan.anchors(); g++) {
                int row = head * plan.anchors() + g;
                float[] left = new float[dim];
                for (int d = 0; d < dim; d++) {
                    left[d] = load(value, head, g * AnchorPlan.GROUP, d);
                }
                quantiseRow(value, true, row, head, left);
                for (int d = 0; d < dim; d++) {
                    int number = numbers[value][row * dim + d] - 128;
                    anchors[value][row * dim + d] = number * step(value, true, row, head * dim + d);
                }
            }
        }
    }

    private void quantiseRow(int value, boolean isAnchor, int row, int head, float[] left) {
        int run = (isAnchor ? KEY_ANCHORS : KEYS) + value;
        int bits = plan.bits(run);
        if (value == 1) {
            int offset = isAnchor ? plan.steps().valueAnchor() : plan.steps().value();
            int code = code(left, offset, bits);
            AnchorPlan.Limits limits = plan.limits();
            code =
                    isAnchor
                            ? Math.clamp(code, limits.lowestAnchor(), limits.highestAnchor())
                            : Math.clamp(code, limits.lowest(), limits.highest());
            int at = plan.symbolsAt(isAnchor ? ANCHOR_STEPS : STEPS) + row;
            coded.symbols().set(JAVA_BYTE, at, (byte) code);
        }
        for (int d = 0; d < left.length; d++) {
            float inverse = 1 / step(value, isAnchor, row, head * layer.dim() + d);
            numbers[run][row * layer.dim() + d] =
                    StepCodes.number(
                            left[d] * inverse, StepCodes.lowest(bits), StepCodes.highest(bits));
        }
    }

    /** The code of a row's step, by the mean of squares in 8 partial sums. */
    private static int code(float[] row, int offset, int bits) {
        float[] sums = new float[8];
        float largest = 0;
        for (int d = 0; d < row.length; d++) {
            float square = row[d] * row[d];
            sums[d % 8] += square;
            largest = Math.max(largest, square);
        }
        float sum =
                ((sums[0] + sums[4]) + (sums[2] + sums[6]))
                        + ((sums[1] + sums[5]) + (sums[3] + sums[7]));
        return StepCodes.code(sum / row.length, largest, offset, bits);
    }

    /** For each channel the share of the anchor that leaves least, and the step of K. */
    private void chooseShares() {
        for (int c = 0; c < channels; c++) {
            int shares = 0;
            coded.side().set(JAVA_BYTE, channels + c, (byte) 0);
            for (int value = 0; value < 2; value++) {
                int best = 2;
                float least = 0;
                float largest = 0;
                for (int share = 2; share >= 0; share--) {
                    float sum = 0;
                    float most = 0;
                    for (int token = 0; token < plan.coded(); token++) {
                        if (token % AnchorPlan.GROUP != 0) {
                            float left = left(value, c, token, SHARES[share]);
                            sum += left * left;
                            most = Math.max(most, left * left);
                        }
                    }
                    if (share == 2 || sum < least) {
                        best = share;
                        least = sum;
                        largest = most;
                    }
                }
                shares |= best << 2 * value;
                if (value == 0) {
                    // With an anchor alone there is no rest, and no step that means anything.
                    int code =
                            StepCodes.code(
                                    least / plan.rest(),
                                    largest,
                                    plan.steps().key(),
                                    plan.steps().bits().key());
                    coded.side().set(JAVA_BYTE, channels + c, (byte) code);
                }
            }
            coded.side().set(JAVA_BYTE, 2L * channels + c, (byte) shares);
        }
    }

    private float left(int value, int channel, int token, float share) {
        int head = channel / layer.dim();
        int d = channel % layer.dim();
        int anchor = head * plan.anchors() + token / AnchorPlan.GROUP;
        return load(value, head, token, d) - share * anchors[value][anchor * layer.dim() + d];
    }

    private void quantiseRest(int value) {
        for (int head = 0; head < layer.heads(); head++) {
            for (int token = 0; token < plan.coded(); token++) {
                if (token % AnchorPlan.GROUP == 0) {
                    continue;
                }
                float[] left = new float[layer.dim()];
                for (int d = 0; d < layer.dim(); d++) {
                    int c = head * layer.dim() + d;
                    left[d] = left(value, c, token, share(value, c));
                }
                quantiseRow(value, false, rest(head, token), head, left);
            }
        }
    }

    private void pad(int run) {
        int at = plan.symbolsAt(run);
        for (int i = plan.count(run); i < plan.length(run); i++) {
            coded.symbols().set(JAVA_BYTE, at + i, (byte) get(coded.symbols(), at + i - 1));
        }
    }

    private void separate(int run) {
        int bits = plan.bits(run);
        int offset = StepCodes.offset(bits);
        int half = plan.length(run) / 2;
        for (int i = 0; i < half; i++) {
            int first = numbers[run][i] + offset & 0xff;
            int second = numbers[run][half + i] + offset & 0xff;
            int pair = first >> bits & 15 | (second >> bits & 15) << 4;
            coded.symbols().set(JAVA_BYTE, plan.symbolsAt(run) + i, (byte) pair);
        }
        forEachPlane(
                run,
                (at, wide, shift, part) -> {
                    for (int i = 0; i < part; i++) {
                        int packed = 0;
                        for (int place = 0; place < 8; place += wide) {
                            int number = numbers[run][place / wide * part + i] + offset & 0xff;
                            packed |= (number >> shift & (1 << wide) - 1) << place;
                        }
                        coded.low().set(JAVA_BYTE, at + i, (byte) packed);
                    }
                });
    }

    private void unite(int run) {
        int bits = plan.bits(run);
        int offset = StepCodes.offset(bits);
        int half = plan.length(run) / 2;
        for (int i = 0; i < half; i++) {
            int pair = get(coded.symbols(), plan.symbolsAt(run) + i);
            numbers[run][i] = ((pair & 15) << bits) - offset & 0xff;
            numbers[run][half + i] = (pair >> 4 << bits) - offset & 0xff;
        }
        forEachPlane(
                run,
                (at, wide, shift, part) -> {
                    for (int i = 0; i < part; i++) {
                        int packed = get(coded.low(), at + i);
                        for (int place = 0; place < 8; place += wide) {
                            int low = (packed >> place & (1 << wide) - 1) << shift;
                            int index = place / wide * part + i;
                            numbers[run][index] = numbers[run][index] + low & 0xff;
                        }
                    }
                });
    }

    /** Low bits lie in planes of 4, 2 or 1 of them. */
    private interface Plane {
        void visit(int at, int wide, int shift, int part);
    }

    private void forEachPlane(int run, Plane plane) {
        int at = plan.lowAt(run);
        for (int shift = 0; shift < plan.bits(run); ) {
            int wide = Integer.highestOneBit(Math.min(4, plan.bits(run) - shift));
            int part = plan.length(run) / 8 * wide;
            plane.visit(at, wide, shift, part);
            at += part;
            shift += wide;
        }
    }

    private static int get(MemorySegment bytes, int at) {
        return Byte.toUnsignedInt(bytes.get(JAVA_BYTE, at));
    }
}
