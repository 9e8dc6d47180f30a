package io.baton.common.model;

/**
 * Cosines and sines of rotary position embedding for every position of a model, float32. One table
 * per model file and kind of layer, used by kernels and by codecs that turn keys back, so that both
 * rotate by the same bits.
 *
 * @param positions rows
 * @param rotated elements of a head that are rotated; even
 * @param cos {@code [positions, rotated / 2]}
 * @param sin {@code [positions, rotated / 2]}
 * @param interleaved pairs are (2i, 2i+1) if true (ggml's NORM, Llama files), else (i, i +
 *     rotated/2) (NEOX)
 * @param magnitude what cosines and sines are multiplied with (the attention factor of YaRN and
 *     LongRoPE): who turns keys back divides by its square; 1 for a pure rotation
 */
public record RopeTable(
        int positions,
        int rotated,
        float[] cos,
        float[] sin,
        boolean interleaved,
        float magnitude) {
    public RopeTable {
        if (rotated <= 0 || rotated % 2 != 0) {
            throw new IllegalArgumentException("rotated elements must be even: " + rotated);
        }
        int need = Math.multiplyExact(positions, rotated / 2);
        if (cos.length != need || sin.length != need) {
            throw new IllegalArgumentException("a table of %d values is wanted".formatted(need));
        }
    }

    /**
     * Angle of pair i at position p: {@code p * factor[i] * theta^(-2 i / rotated)}, in float32 as
     * transformers computes it (RoFormer, equation 15).
     *
     * @param frequencyFactors divisors of each pair's frequency (Llama-3's scaling, {@code
     *     rope_freqs.weight}), or empty
     * @param linearScale positions are divided by it; 1 for none
     */
    public static RopeTable of(
            int positions,
            int rotated,
            float theta,
            float[] frequencyFactors,
            float linearScale,
            boolean interleaved) {
        Frequencies frequencies = new Frequencies(theta, frequencyFactors, linearScale, 1f);
        return of(positions, rotated, frequencies, interleaved);
    }

    /**
     * What angles are made of.
     *
     * @param factors divisors of each pair's frequency, or empty
     * @param linearScale positions are divided by it
     * @param magnitude factor of cosines and sines
     */
    public record Frequencies(float theta, float[] factors, float linearScale, float magnitude) {}

    /** As above, with cosines and sines multiplied by a magnitude. */
    public static RopeTable of(
            int positions, int rotated, Frequencies frequencies, boolean interleaved) {
        float magnitude = frequencies.magnitude();
        int half = rotated / 2;
        float[] inverse = angles(rotated, frequencies);
        float[] cos = new float[Math.multiplyExact(positions, half)];
        float[] sin = new float[cos.length];
        for (int p = 0; p < positions; p++) {
            for (int i = 0; i < half; i++) {
                float angle = p * inverse[i];
                cos[p * half + i] = (float) StrictMath.cos(angle) * magnitude;
                sin[p * half + i] = (float) StrictMath.sin(angle) * magnitude;
            }
        }
        return new RopeTable(positions, rotated, cos, sin, interleaved, magnitude);
    }

    /** How far each pair is rotated from one position to the next, in radians. */
    public static float[] angles(int rotated, Frequencies frequencies) {
        float[] factors = frequencies.factors();
        float[] angles = new float[rotated / 2];
        for (int i = 0; i < angles.length; i++) {
            double frequency = 1.0 / Math.pow(frequencies.theta(), 2.0 * i / rotated);
            if (factors.length > 0) {
                frequency /= factors[i];
            }
            angles[i] = (float) (frequency / frequencies.linearScale());
        }
        return angles;
    }
}
