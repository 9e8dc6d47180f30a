package io.baton.deploy.cli;

import io.baton.kernels.cuda.CudaDriver;
import io.baton.kv.channel.ucx.UcxLibrary;
import java.io.IOException;
import java.io.PrintStream;
import java.lang.management.ManagementFactory;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;

/** What this machine has, what is missing, and the command that installs it. */
final class Doctor {
    /** How a check came out; {@code bad} means Baton will not start. */
    private enum State {
        OK,
        NOTE,
        BAD
    }

    private record Finding(State state, String what, String detail) {}

    private final List<Finding> findings = new ArrayList<>();

    /**
     * Checks the machine.
     *
     * @param port HTTP port that would be used
     * @param modelFolder where models are kept
     * @param kernels the chosen kernels and why
     */
    Doctor check(int port, Path modelFolder, String kernels) {
        int java = Runtime.version().feature();
        add(java >= 25 ? State.OK : State.BAD, "Java", Runtime.version() + ", 25 is needed");
        add(State.OK, "kernels", kernels);
        add(State.OK, "processors", Runtime.getRuntime().availableProcessors() + ", " + cpuFlags());
        memory();
        tool("mvn", "builds Baton", "apt-get install maven");
        tool("cmake", "builds the C kernels", "apt-get install cmake");
        tool("cc", "builds the C kernels", "apt-get install gcc libc6-dev");
        tool(
                "python3",
                "fetches models where the hub cannot be reached",
                "apt-get install python3 python3-pip");
        port(port);
        folder(modelFolder);
        openFiles();
        CudaDriver cuda = CudaDriver.find();
        add(cuda.devices().isEmpty() ? State.NOTE : State.OK, "GPU", cuda.detail());
        UcxLibrary ucx = UcxLibrary.find();
        add(ucx.usable() ? State.OK : State.NOTE, "UCX", ucx.detail());
        return this;
    }

    /** Prints all findings; returns whether Baton can start. */
    boolean print(PrintStream out) {
        boolean good = true;
        for (Finding finding : findings) {
            good &= finding.state() != State.BAD;
            out.printf(
                    Locale.ROOT,
                    "%-5s %-12s %s%n",
                    finding.state().name().toLowerCase(Locale.ROOT),
                    finding.what(),
                    finding.detail());
        }
        return good;
    }

    private void add(State state, String what, String detail) {
        findings.add(new Finding(state, what, detail));
    }

    private static String cpuFlags() {
        try {
            String info = Files.readString(Path.of("/proc/cpuinfo"));
            List<String> present = new ArrayList<>();
            for (String flag :
                    List.of(
                            "avx2",
                            "fma",
                            "f16c",
                            "avx512f",
                            "avx512_vnni",
                            "avx512_bf16",
                            "avx_vnni")) {
                if (info.contains(" " + flag + " ") || info.contains(" " + flag + "\n")) {
                    present.add(flag);
                }
            }
            return String.join(" ", present);
        } catch (IOException e) {
            return "instruction sets unknown";
        }
    }

    private void memory() {
        long bytes =
                ManagementFactory.getOperatingSystemMXBean()
                                instanceof com.sun.management.OperatingSystemMXBean system
                        ? system.getFreeMemorySize()
                        : 0;
        add(bytes > 1L << 30 ? State.OK : State.NOTE, "memory", (bytes >> 20) + " MiB free");
    }

    private void tool(String name, String purpose, String install) {
        Optional<Path> found = onPath(name);
        add(
                found.isPresent() ? State.OK : State.NOTE,
                name,
                found.map(Path::toString).orElse("not found; it " + purpose + ": " + install));
    }

    private static Optional<Path> onPath(String name) {
        for (String folder :
                System.getenv().getOrDefault("PATH", "").split(java.io.File.pathSeparator)) {
            Path candidate = Path.of(folder, name);
            if (Files.isExecutable(candidate)) {
                return Optional.of(candidate);
            }
        }
        return Optional.empty();
    }

    private void port(int port) {
        try (ServerSocket socket = new ServerSocket(port, 1, InetAddress.getLoopbackAddress())) {
            add(State.OK, "port", socket.getLocalPort() + " is free");
        } catch (IOException e) {
            add(State.NOTE, "port", port + " is taken; use --port: " + e.getMessage());
        }
    }

    private void folder(Path folder) {
        Path existing = folder;
        while (existing != null && !Files.exists(existing)) {
            existing = existing.getParent();
        }
        boolean writable = existing != null && Files.isWritable(existing);
        add(
                writable ? State.OK : State.BAD,
                "models",
                folder + (writable ? "" : " cannot be written"));
    }

    private void openFiles() {
        if (ManagementFactory.getOperatingSystemMXBean()
                instanceof com.sun.management.UnixOperatingSystemMXBean unix) {
            long limit = unix.getMaxFileDescriptorCount();
            add(limit >= 4096 ? State.OK : State.NOTE, "open files", "limit " + limit);
        }
    }
}
