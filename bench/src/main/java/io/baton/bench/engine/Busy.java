package io.baton.bench.engine;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/**
 * How busy the machine and one process have been until a moment, in seconds of one core, from the
 * kernel's accounting (steps of 10 ms).
 */
record Busy(long nanos, double machineSeconds, double processSeconds) {
    private static final double TICKS = 100;

    static Busy read(long pid) throws IOException {
        return new Busy(System.nanoTime(), machine(), process(pid));
    }

    /** Cores that others than the process have used since then, on average. */
    double othersSince(Busy earlier) {
        double wall = (nanos - earlier.nanos) / 1e9;
        double others =
                (machineSeconds - earlier.machineSeconds)
                        - (processSeconds - earlier.processSeconds);
        return Math.max(0, others / wall);
    }

    /** User, nice, system, irq and softirq of all cores. */
    private static double machine() throws IOException {
        try (var lines = Files.lines(Path.of("/proc/stat"))) {
            String[] f = lines.findFirst().orElse("").split(" +");
            return (sum(f, 1, 4) + sum(f, 6, 8)) / TICKS;
        }
    }

    private static double sum(String[] fields, int from, int to) {
        double sum = 0;
        for (int i = from; i < to; i++) {
            sum += Double.parseDouble(fields[i]);
        }
        return sum;
    }

    private static double process(long pid) throws IOException {
        String stat = Files.readString(Path.of("/proc/" + pid + "/stat"));
        String[] fields = stat.substring(stat.lastIndexOf(')') + 2).split(" ");
        return (Double.parseDouble(fields[11]) + Double.parseDouble(fields[12])) / TICKS;
    }
}
