package io.baton.kernels.c;

import static java.lang.foreign.ValueLayout.JAVA_LONG;

import io.baton.common.model.TensorType;
import io.baton.kernels.KernelTimes;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.HashMap;
import java.util.Locale;
import java.util.Map;

/** Reads the library's counters, in the slots that {@code baton.h} states. */
final class Profile {
    private static final int QUANTISE = 24;
    private static final int WAIT = 25;
    private static final int TURN = 26;
    private static final int MATMUL = 32;
    private static final int SLOTS = 64;

    private Profile() {}

    static KernelTimes read(Library library) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment slots = arena.allocate(JAVA_LONG, SLOTS);
            library.profile(slots);
            Map<String, Long> ticks = new HashMap<>();
            for (Operations.Kind kind : Operations.Kind.values()) {
                put(ticks, kind.name().toLowerCase(Locale.ROOT), slots, kind.ordinal() + 1);
            }
            put(ticks, "quantise", slots, QUANTISE);
            put(ticks, KernelTimes.WAIT, slots, WAIT);
            put(ticks, KernelTimes.TURN, slots, TURN);
            for (TensorType type : TensorType.values()) {
                put(ticks, "matmul " + type, slots, MATMUL + type.id());
            }
            return new KernelTimes(slots.get(JAVA_LONG, 0), ticks);
        }
    }

    private static void put(Map<String, Long> ticks, String kind, MemorySegment slots, int slot) {
        long count = slots.getAtIndex(JAVA_LONG, slot);
        if (count != 0) {
            ticks.put(kind, count);
        }
    }
}
