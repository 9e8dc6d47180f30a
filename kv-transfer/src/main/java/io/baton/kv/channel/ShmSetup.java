package io.baton.kv.channel;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;

/**
 * What the side that connects says on the socket before any frame: where the shared memory is and
 * how it is cut. Little-endian; see docs/protocol.md.
 *
 * <pre>
 * magic "BTKS" (4), version (2), path bytes (2), ring to receiver (4), ring to sender (4), path
 * </pre>
 */
record ShmSetup(ShmLayout layout, Path path) {
    static final int MAGIC = 0x534B5442;
    static final int VERSION = 1;
    static final int HEADER_BYTES = 16;
    static final int MOST_PATH_BYTES = 1024;
    static final int MOST_BYTES = HEADER_BYTES + MOST_PATH_BYTES;

    ByteBuffer encode() {
        byte[] name = path.toString().getBytes(StandardCharsets.UTF_8);
        if (name.length > MOST_PATH_BYTES) {
            throw new IllegalArgumentException("a path of " + name.length + " bytes");
        }
        return ByteBuffer.allocate(HEADER_BYTES + name.length)
                .order(ByteOrder.LITTLE_ENDIAN)
                .putInt(MAGIC)
                .putShort((short) VERSION)
                .putShort((short) name.length)
                .putInt(layout.toReceiverBytes())
                .putInt(layout.toSenderBytes())
                .put(name)
                .flip();
    }

    /**
     * Reads what has come so far.
     *
     * @return null while more is needed
     * @throws IOException if it is no setup, or more than one came
     */
    static @Nullable ShmSetup decode(ByteBuffer in) throws IOException {
        in.order(ByteOrder.LITTLE_ENDIAN);
        int from = in.position();
        int come = in.remaining();
        if (come < HEADER_BYTES) {
            return null;
        }
        if (in.getInt(from) != MAGIC || in.getShort(from + 4) != VERSION) {
            throw new IOException("the peer does not open shared memory as this version does");
        }
        int pathBytes = in.getShort(from + 6) & 0xffff;
        if (pathBytes == 0 || pathBytes > MOST_PATH_BYTES || come > HEADER_BYTES + pathBytes) {
            throw new IOException("the peer names shared memory in %d bytes".formatted(pathBytes));
        }
        if (come < HEADER_BYTES + pathBytes) {
            return null;
        }
        byte[] name = new byte[pathBytes];
        in.get(from + HEADER_BYTES, name);
        try {
            return new ShmSetup(
                    new ShmLayout(in.getInt(from + 8), in.getInt(from + 12)),
                    Path.of(new String(name, StandardCharsets.UTF_8)));
        } catch (InvalidPathException e) {
            throw new IOException("the peer names no path", e);
        } catch (IllegalArgumentException e) {
            throw new IOException("the peer's memory is cut wrongly: " + e.getMessage(), e);
        }
    }
}
