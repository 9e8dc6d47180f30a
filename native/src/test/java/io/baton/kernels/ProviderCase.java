package io.baton.kernels;

import io.baton.kernels.c.CKernels;
import io.baton.kernels.c.Level;
import io.baton.kernels.c.NativeUnavailable;
import io.baton.kernels.reference.ReferenceKernels;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * A provider under test.
 *
 * @param level of the C provider, null for the others
 * @param tolerance relative rounding that float32 sums in another order may show
 */
record ProviderCase(String name, @Nullable Level level, float tolerance) {
    private static final String VECTOR = "vector";

    /** The reference, the Vector API, and the library at every level that this machine has. */
    static Stream<ProviderCase> all() {
        List<ProviderCase> cases = new ArrayList<>();
        cases.add(new ProviderCase("reference", null, 2e-5f));
        cases.add(new ProviderCase(VECTOR, null, 2e-5f));
        for (Level level : Level.values()) {
            try (CKernels kernels = CKernels.open(1, level)) {
                if (kernels.level() == level) {
                    cases.add(new ProviderCase("c:" + level.label(), level, 2e-5f));
                }
            } catch (NativeUnavailable e) {
                System.err.println("The C kernels are not tested: " + e.getMessage());
            }
        }
        return cases.stream();
    }

    /** Whether it rounds the rows before a product with a quantised matrix. */
    boolean quantises() {
        return level != null;
    }

    Kernels open(int threads) {
        if (name.equals(VECTOR)) {
            return KernelsProviders.choose(KernelsProviders.Preference.VECTOR, threads);
        }
        if (level == null) {
            return new ReferenceKernels(threads, "under test");
        }
        try {
            return CKernels.open(threads, level);
        } catch (NativeUnavailable e) {
            throw new IllegalStateException(e);
        }
    }

    @Override
    public String toString() {
        return name;
    }
}
