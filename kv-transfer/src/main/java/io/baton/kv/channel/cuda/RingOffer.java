package io.baton.kv.channel.cuda;

import java.nio.ByteBuffer;
import java.util.UUID;

/**
 * What a peer needs to read a ring: the data of a RING message, whose first and second number are
 * offset and bytes. Little-endian but for the UUID; see docs/protocol.md.
 *
 * @param process of the exporter, see {@link CudaDriver#processId}
 * @param device where the ring lies
 * @param memory handle of the allocation
 * @param event handle of the event that marks what was copied into the ring
 * @param offset of the ring in the allocation
 * @param bytes of the ring
 */
record RingOffer(long process, UUID device, byte[] memory, byte[] event, long offset, long bytes) {
    static final int DATA_BYTES = 8 + 16 + 2 * CudaDriver.HANDLE_BYTES;

    /** Writes the data. */
    void write(ByteBuffer out) {
        out.putLong(process)
                .putLong(Long.reverseBytes(device.getMostSignificantBits()))
                .putLong(Long.reverseBytes(device.getLeastSignificantBits()))
                .put(memory)
                .put(event);
    }

    /** Reads data; all of it is there. */
    static RingOffer read(ByteBuffer in, long offset, long bytes) {
        long process = in.getLong();
        UUID device = new UUID(Long.reverseBytes(in.getLong()), Long.reverseBytes(in.getLong()));
        byte[] memory = new byte[CudaDriver.HANDLE_BYTES];
        byte[] event = new byte[CudaDriver.HANDLE_BYTES];
        in.get(memory).get(event);
        return new RingOffer(process, device, memory, event, offset, bytes);
    }
}
