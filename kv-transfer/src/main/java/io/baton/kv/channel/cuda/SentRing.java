package io.baton.kv.channel.cuda;

import io.baton.kv.channel.cuda.CudaDriver.Device;
import io.baton.kv.channel.fetch.SendRing;

/**
 * A ring in device memory that a peer reads, and the host memory that is copied into it: byte p of
 * the stream lies at the same place of both. The thread of its context.
 */
final class SentRing implements CudaResources.Resource {
    private final CudaResources parts;
    private final SendRing ring;
    private final CudaDriver.Memory memory;
    private final CudaDriver.Event filled;
    private final RingOffer offer;

    private SentRing(
            CudaResources parts,
            SendRing ring,
            CudaDriver.Memory memory,
            CudaDriver.Event filled,
            RingOffer offer) {
        this.parts = parts;
        this.ring = ring;
        this.memory = memory;
        this.filled = filled;
        this.offer = offer;
    }

    /** Takes and exports a ring. */
    static SentRing make(CudaDriver driver, Device device, CudaDriver.Context context, int bytes)
            throws CudaFailure {
        CudaResources parts = new CudaResources();
        try {
            CudaDriver.HostMemory host = context.allocateHost(bytes);
            parts.add(host::close);
            CudaDriver.Memory memory = context.allocate(bytes);
            parts.add(memory::close);
            CudaDriver.Event filled = context.createEvent();
            parts.add(filled::close);
            CudaDriver.Export export = memory.export();
            RingOffer offer =
                    new RingOffer(
                            driver.processId(),
                            device.uuid(),
                            export.handle(),
                            filled.export(),
                            export.offset(),
                            bytes);
            return new SentRing(parts, new SendRing(host.segment()), memory, filled, offer);
        } catch (CudaFailure e) {
            closeAfter(e, parts);
            throw e;
        }
    }

    static void closeAfter(Exception failure, CudaResources parts) {
        try {
            parts.close();
        } catch (CudaFailure e) {
            failure.addSuppressed(e);
        }
    }

    /** The bytes on the host. Any thread. */
    SendRing ring() {
        return ring;
    }

    /** What the peer needs to know. */
    RingOffer offer() {
        return offer;
    }

    /** Asks for the bytes between two positions to be copied, and marks that in the stream. */
    void copy(long from, long to) throws CudaFailure {
        long at = from;
        while (at < to) {
            var piece = ring.piece(at, to);
            memory.copyFromHost(at % ring.capacity(), piece);
            at += piece.byteSize();
        }
        filled.record();
    }

    @Override
    public void close() throws CudaFailure {
        parts.close();
    }
}
