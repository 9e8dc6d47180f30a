package io.baton.kernels;

/**
 * What decides the last bit of a result. Workers with equal profiles compute bit-identical KV; it
 * is part of every chunk key and of a worker's registration.
 *
 * @param provider {@code reference}, {@code c}, {@code cuda}
 * @param level instruction-set level, such as {@code avx2}
 * @param version version of the kernels; raised when any result may change
 * @param activations what rows are rounded to
 */
public record NumericProfile(String provider, String level, int version, Activations activations) {
    /**
     * The form used in keys and on the wire, such as {@code c:avx2:1} and {@code c:avx2:1:8bit}.
     */
    public String label() {
        String label = provider + ":" + level + ":" + version;
        return switch (activations) {
            case BITS_13 -> label;
            case BITS_8 -> label + ":" + activations.label();
        };
    }
}
