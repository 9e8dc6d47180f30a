package io.baton.kv.codec.klt;

import io.baton.kernels.transform.HeadTransform;
import java.util.List;

/**
 * What the codec must know of a model's attention.
 *
 * @param heads query heads, a multiple of {@code kvHeads}
 * @param kvHeads key/value heads
 * @param headDim elements of a head
 * @param scale factor of scores
 * @param layers one for each layer
 */
public record KltModel(int heads, int kvHeads, int headDim, float scale, List<Layer> layers) {
    public KltModel {
        if (kvHeads < 1
                || heads % kvHeads != 0
                || headDim < 2
                || headDim > HeadTransform.MAX_HEAD_DIM) {
            throw new IllegalArgumentException(
                    "%d heads, %d KV heads of %d elements".formatted(heads, kvHeads, headDim));
        }
        layers = List.copyOf(layers);
    }

    /**
     * @param angles how far each pair is rotated from one position to the next, in radians
     * @param interleaved pairs are (2i, 2i + 1), else (i, i + pairs)
     * @param window positions that a row sees, 0 for all
     */
    public record Layer(float[] angles, boolean interleaved, int window) {
        /** First and second element of a pair. */
        int first(int pair) {
            return interleaved ? 2 * pair : pair;
        }

        int second(int pair) {
            return interleaved ? 2 * pair + 1 : pair + angles.length;
        }
    }
}
