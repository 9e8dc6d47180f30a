package io.baton.engine;

/**
 * How a model's rotary frequencies were stretched beyond the context it was first trained for: a
 * divisor of each pair's frequency and a magnitude of the rotated vectors. Divisors that a file
 * lists itself (Llama 3's, LongRoPE's) are tensors of the file, see {@link WeightLoader}.
 */
public sealed interface RopeScaling {
    /** Factor of cosines and sines. */
    default float magnitude() {
        return 1f;
    }

    /** Frequencies as they are, but for what the file's {@code rope_freqs.weight} divides. */
    record None() implements RopeScaling {}

    /** All positions divided by a factor (Chen et al. 2023). */
    record Linear(float factor) implements RopeScaling {}

    /**
     * NTK by parts: pairs that turn often within the original context keep their frequency, those
     * that turn rarely are divided by the factor, between them a ramp (Peng et al. 2023, sections
     * 3.2 and 3.4).
     *
     * @param factor of the context's length
     * @param originalContext positions of the first training
     * @param betaFast turns from which a pair is kept
     * @param betaSlow turns below which a pair is divided
     */
    record Yarn(float factor, int originalContext, float betaFast, float betaSlow, float magnitude)
            implements RopeScaling {
        /** One divisor per pair. */
        float[] divisors(int rotated, float theta) {
            double low = Math.max(0, Math.floor(pair(betaFast, rotated, theta)));
            double high = Math.min(rotated - 1, Math.ceil(pair(betaSlow, rotated, theta)));
            // As the reference does, lest the ramp be a division by zero.
            double width = low == high ? 1e-3 : high - low;
            float[] divisors = new float[rotated / 2];
            for (int i = 0; i < divisors.length; i++) {
                double divided = Math.clamp((i - low) / width, 0, 1);
                divisors[i] = (float) (1 / (divided / factor + (1 - divided)));
            }
            return divisors;
        }

        /** The pair, as a fraction, that turns so often within the original context. */
        private double pair(double turns, int rotated, double theta) {
            return rotated
                    * Math.log(originalContext / (turns * 2 * Math.PI))
                    / (2 * Math.log(theta));
        }
    }

    /**
     * Two lists of divisors, one for contexts up to the original length and one for longer ones
     * (Ding et al. 2024). Keys of both kinds do not fit together, so a service uses one of them, by
     * the longest context that it serves.
     *
     * @param originalContext positions up to which the short list holds
     */
    record LongRope(int originalContext, float magnitude) implements RopeScaling {
        /** Whether a service of so long contexts uses the long list. */
        boolean isLong(int servedTokens) {
            return servedTokens > originalContext;
        }
    }
}
