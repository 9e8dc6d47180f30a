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
 * @param activations what it is to round rows to
 */
record ProviderCase(String name, @Nullable Level level, float tolerance, Activations activations) {
    private static final String VECTOR = "vector";

    /** The case of no provider, for fields that a test sets. */
    static ProviderCase unset() {
        return new ProviderCase("unset", null, 0, Activations.BITS_13);
    }

    /** The reference, the Vector API, and the library at every level that this machine has. */
    static Stream<ProviderCase> all() {
        List<ProviderCase> cases = new ArrayList<>();
        cases.add(new ProviderCase("reference", null, 2e-5f, Activations.BITS_13));
        cases.add(new ProviderCase(VECTOR, null, 2e-5f, Activations.BITS_13));
        for (Level level : Level.values()) {
            try (CKernels kernels = CKernels.open(1, level)) {
                if (kernels.level() == level) {
                    cases.add(
                            new ProviderCase(
                                    "c:" + level.label(), level, 2e-5f, Activations.BITS_13));
                }
            } catch (NativeUnavailable e) {
                System.err.println("The C kernels are not tested: " + e.getMessage());
            }
        }
        return cases.stream();
    }

    /** All of them, and once more with activations in 8 bits where a provider has those. */
    static Stream<ProviderCase> withEveryRounding() {
        return all().flatMap(
                        each ->
                                each.name.equals(VECTOR)
                                        ? Stream.of(each)
                                        : Stream.of(each, each.in8Bits()));
    }

    private ProviderCase in8Bits() {
        return new ProviderCase(name + ":8bit", level, tolerance, Activations.BITS_8);
    }

    /** The largest whole number of a rounded row; 0 if it takes rows as they are. */
    int levels() {
        return switch (activations) {
            case BITS_13 -> level == null ? 0 : 4095;
            case BITS_8 -> 127;
        };
    }

    Kernels open(int threads) {
        if (name.equals(VECTOR)) {
            return KernelsProviders.choose(KernelsProviders.Preference.VECTOR, threads);
        }
        if (level == null) {
            return new ReferenceKernels(threads, activations, "under test");
        }
        try {
            return CKernels.open(threads, level, activations);
        } catch (NativeUnavailable e) {
            throw new IllegalStateException(e);
        }
    }

    @Override
    public String toString() {
        return name;
    }
}
