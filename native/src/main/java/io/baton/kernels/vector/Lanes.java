package io.baton.kernels.vector;

import jdk.incubator.vector.ByteVector;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorSpecies;

/**
 * The vectors in use: 256 bits, or 128 where the machine has no more. A lane is always an output of
 * its own, whose sum runs in one order, so no result depends on their number.
 */
final class Lanes {
    static final VectorSpecies<Float> FLOATS =
            FloatVector.SPECIES_PREFERRED.length() >= 8
                    ? FloatVector.SPECIES_256
                    : FloatVector.SPECIES_128;

    /** Lanes of a vector. */
    static final int COUNT = FLOATS.length();

    static final VectorSpecies<Byte> EIGHT_BYTES = ByteVector.SPECIES_64;

    private Lanes() {}
}
