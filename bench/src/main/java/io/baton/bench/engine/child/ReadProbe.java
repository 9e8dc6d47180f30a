package io.baton.bench.engine.child;

import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;

/**
 * How fast one thread reads memory: the C library's {@code memchr} over memory much larger than the
 * caches, in large pages where the system gives them. The bound of decoding at batch 1, which reads
 * every weight once a token.
 */
public final class ReadProbe {
    private static final long BYTES = 512L << 20;
    private static final long LARGE_PAGE = 2L << 20;
    private static final int PASSES = 3;

    private ReadProbe() {}

    /** Answers {@code bandwidth} with bytes a second, the best of three passes. */
    public static void main(String[] arguments) throws IOException {
        MemorySegment memory = LibC.largePages(BYTES, LARGE_PAGE);
        memory.fill((byte) 1);
        boolean large = largePageBytes() >= BYTES / 2;
        Lines.serve(
                Map.of("name", "memchr", "largePages", large),
                question -> Map.of("bytesPerSecond", best(memory)));
    }

    private static double best(MemorySegment memory) {
        double best = 0;
        for (int pass = 0; pass < PASSES; pass++) {
            long begin = System.nanoTime();
            if (LibC.contains(memory, 2)) {
                throw new IllegalStateException("the memory holds nothing but ones");
            }
            best = Math.max(best, memory.byteSize() * 1e9 / (System.nanoTime() - begin));
        }
        return best;
    }

    private static long largePageBytes() throws IOException {
        try (var lines = Files.lines(Path.of("/proc/self/smaps_rollup"))) {
            return lines.filter(line -> line.startsWith("AnonHugePages:"))
                    .mapToLong(line -> Long.parseLong(line.replaceAll("[^0-9]", "")) << 10)
                    .findFirst()
                    .orElse(0);
        }
    }
}
