package io.baton.kernels;

/**
 * To how many bits a provider rounds the rows of a product with a quantised matrix: whole numbers
 * in blocks of 32, the largest magnitude of a block at the highest number. Products with float
 * weights and with vectors take rows as they are.
 */
public enum Activations {
    /**
     * As near to float32 as float32 sums in another order are; the reference and the Vector API
     * then do not round at all.
     */
    BITS_13("13bit"),
    /** As llama.cpp rounds: faster with weights of up to 6 bits, and a hundred times as far off. */
    BITS_8("8bit");

    private final String label;

    Activations(String label) {
        this.label = label;
    }

    /** The name used in configuration, in numeric profiles and in the start-up line. */
    public String label() {
        return label;
    }

    /**
     * The one named so.
     *
     * @throws IllegalArgumentException if there is none; the configuration knows the names
     */
    public static Activations named(String label) {
        for (Activations each : values()) {
            if (each.label.equals(label)) {
                return each;
            }
        }
        throw new IllegalArgumentException("no activations are named '%s'".formatted(label));
    }
}
