package io.baton.common.model;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.security.MessageDigest;

/**
 * A file that grows beside its place and takes it only when size and SHA-256 are right. Takes no
 * more bytes than expected. One thread at a time.
 */
final class VerifiedPart implements AutoCloseable {
    private static final int PIECE_BYTES = 1 << 16;

    private final Path part;
    private final long expectedBytes;
    private final MessageDigest digest = Sha256.newDigest();
    private OutputStream out;
    private long bytes;

    /** Continues what an earlier attempt left at {@code part}. */
    VerifiedPart(Path part, long expectedBytes) throws IOException {
        this.part = part;
        this.expectedBytes = expectedBytes;
        Files.createDirectories(ModelStore.parent(part));
        if (Files.exists(part) && Files.size(part) <= expectedBytes) {
            try (InputStream in = Files.newInputStream(part)) {
                byte[] piece = new byte[PIECE_BYTES];
                for (int length = in.read(piece); length >= 0; length = in.read(piece)) {
                    digest.update(piece, 0, length);
                    bytes += length;
                }
            }
            out = Files.newOutputStream(part, StandardOpenOption.APPEND);
        } else {
            out = Files.newOutputStream(part);
        }
    }

    long bytes() {
        return bytes;
    }

    /** Forgets everything so far. */
    void restart() throws IOException {
        out.close();
        out = Files.newOutputStream(part);
        digest.reset();
        bytes = 0;
    }

    void write(byte[] piece, int length) throws IOException {
        if (length > expectedBytes - bytes) {
            throw new IOException("more bytes came than the %d expected".formatted(expectedBytes));
        }
        out.write(piece, 0, length);
        digest.update(piece, 0, length);
        bytes += length;
    }

    /**
     * Moves the file to its place.
     *
     * @param sha256 that it must have, empty to take it as it is
     * @return the SHA-256 that it has
     */
    String finish(Path place, String sha256) throws IOException, PullFailed {
        out.close();
        if (bytes != expectedBytes) {
            throw new PullFailed("%d bytes came, %d are wanted".formatted(bytes, expectedBytes));
        }
        String actual = Sha256.hex(digest);
        if (!sha256.isEmpty() && !actual.equals(sha256)) {
            Files.delete(part);
            throw new PullFailed(
                    "the file has SHA-256 %s, %s is wanted; it was thrown away"
                            .formatted(actual, sha256));
        }
        Files.move(
                part, place, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
        return actual;
    }

    @Override
    public void close() throws IOException {
        out.close();
    }
}
