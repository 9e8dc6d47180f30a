package io.baton.bench.frame;

import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.concurrent.TimeUnit;

/**
 * What every row of a run shares.
 *
 * @param commit short commit of the checkout, with {@code +} when it had changes; {@code unknown}
 *     outside one
 * @param cpu the processor's name and core count
 * @param jvm version and flags that matter
 * @param load1m load average of the last minute when the run began
 * @param at when the run began, UTC
 */
public record RunFacts(String commit, String cpu, String jvm, double load1m, String at) {
    /** Reads the facts of this machine and process. {@code root} is the checkout. */
    public static RunFacts read(Path root) {
        String collector =
                ManagementFactory.getGarbageCollectorMXBeans().stream()
                        .map(bean -> bean.getName().split(" ")[0])
                        .distinct()
                        .reduce((a, b) -> a + "+" + b)
                        .orElse("?");
        return new RunFacts(
                commit(root),
                processor() + " x" + Runtime.getRuntime().availableProcessors(),
                Runtime.version() + " " + collector,
                ManagementFactory.getOperatingSystemMXBean().getSystemLoadAverage(),
                Instant.now().toString());
    }

    private static String commit(Path root) {
        String head = git(root, "rev-parse", "--short", "HEAD");
        if (head.isEmpty()) {
            return "unknown";
        }
        return git(root, "status", "--porcelain", "--untracked-files=no").isEmpty()
                ? head
                : head + "+";
    }

    private static String git(Path root, String... arguments) {
        try {
            java.util.List<String> command = new java.util.ArrayList<>();
            command.add("git");
            command.addAll(java.util.List.of(arguments));
            Process process =
                    new ProcessBuilder(command)
                            .directory(root.toFile())
                            .redirectError(ProcessBuilder.Redirect.DISCARD)
                            .start();
            String text =
                    new String(
                            process.getInputStream().readAllBytes(),
                            java.nio.charset.StandardCharsets.UTF_8);
            boolean ended = process.waitFor(5, TimeUnit.SECONDS);
            return ended && process.exitValue() == 0 ? text.strip() : "";
        } catch (IOException e) {
            return "";
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return "";
        }
    }

    private static String processor() {
        try (var lines = Files.lines(Path.of("/proc/cpuinfo"))) {
            return lines.filter(line -> line.startsWith("model name"))
                    .findFirst()
                    .map(line -> line.substring(line.indexOf(':') + 1).strip())
                    .orElse("unknown");
        } catch (IOException e) {
            return System.getProperty("os.arch", "unknown");
        }
    }
}
