package io.baton.common.model;

import java.io.IOException;
import java.io.InputStream;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;

/** SHA-256 of files, mapped memory and lists of parts. Safe for any thread. */
public final class Sha256 {
    private static final int PIECE_BYTES = 1 << 20;

    private Sha256() {}

    static MessageDigest newDigest() {
        try {
            return MessageDigest.getInstance("SHA-256");
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("every JDK has SHA-256", e);
        }
    }

    static String hex(MessageDigest digest) {
        return HexFormat.of().formatHex(digest.digest());
    }

    /** Of memory, 64 hex characters. */
    public static String hex(MemorySegment bytes) {
        MessageDigest digest = newDigest();
        byte[] piece = new byte[(int) Math.min(PIECE_BYTES, Math.max(1, bytes.byteSize()))];
        for (long at = 0; at < bytes.byteSize(); at += piece.length) {
            int length = (int) Math.min(piece.length, bytes.byteSize() - at);
            MemorySegment.copy(bytes, ValueLayout.JAVA_BYTE, at, piece, 0, length);
            digest.update(piece, 0, length);
        }
        return hex(digest);
    }

    static String hex(Path file) throws IOException {
        MessageDigest digest = newDigest();
        byte[] piece = new byte[PIECE_BYTES];
        try (InputStream in = Files.newInputStream(file)) {
            for (int length = in.read(piece); length >= 0; length = in.read(piece)) {
                digest.update(piece, 0, length);
            }
        }
        return hex(digest);
    }

    /**
     * Over parts, each with its length before it (64 bits, little-endian), so that no two lists of
     * parts hash the same bytes; 64 hex characters.
     */
    public static String hexOfParts(byte[]... parts) {
        MessageDigest digest = newDigest();
        for (byte[] part : parts) {
            ByteBuffer length = ByteBuffer.allocate(8).order(ByteOrder.LITTLE_ENDIAN);
            digest.update(length.putLong(0, part.length).array());
            digest.update(part);
        }
        return hex(digest);
    }
}
