package io.baton.kernels;

import io.baton.kernels.reference.ReferenceKernels;
import java.util.List;
import java.util.stream.Stream;

/**
 * A provider under test.
 *
 * @param quantises whether it rounds the rows to 8 bits before a product with a quantised weight
 * @param tolerance relative rounding that float32 sums in another order may show
 */
record ProviderCase(String name, boolean quantises, float tolerance) {
    static Stream<ProviderCase> all() {
        return List.of(new ProviderCase("reference", false, 2e-5f)).stream();
    }

    Kernels open(int threads) {
        return new ReferenceKernels(threads, "under test");
    }

    @Override
    public String toString() {
        return name;
    }
}
