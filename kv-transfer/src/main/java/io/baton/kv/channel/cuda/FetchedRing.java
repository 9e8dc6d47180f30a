package io.baton.kv.channel.cuda;

import io.baton.kv.channel.cuda.CudaDriver.Device;
import io.baton.kv.channel.fetch.Inbox;
import java.io.IOException;
import java.lang.foreign.MemorySegment;

/** A ring of a peer, mapped. The thread of its context. */
final class FetchedRing implements CudaResources.Resource {
    private final CudaResources parts;
    private final CudaDriver.Memory memory;
    private final CudaDriver.Event filled;
    private final long offset;

    private FetchedRing(
            CudaResources parts, CudaDriver.Memory memory, CudaDriver.Event filled, long offset) {
        this.parts = parts;
        this.memory = memory;
        this.filled = filled;
        this.offset = offset;
    }

    /**
     * Maps a ring.
     *
     * @throws IOException why this process cannot read it, or that it lies outside its allocation
     */
    static FetchedRing open(
            CudaDriver driver, Device own, CudaDriver.Context context, RingOffer offer)
            throws IOException {
        requireReach(driver, own, offer);
        CudaResources parts = new CudaResources();
        try {
            CudaDriver.Memory memory = context.open(offer.memory());
            parts.add(memory::close);
            requireInside(offer, memory.bytes());
            CudaDriver.Event filled = context.openEvent(offer.event());
            parts.add(filled::close);
            return new FetchedRing(parts, memory, filled, offer.offset());
        } catch (IOException e) {
            SentRing.closeAfter(e, parts);
            throw e;
        }
    }

    /** The same device comes first: CUDA says that no device is its own peer. */
    private static void requireReach(CudaDriver driver, Device own, RingOffer offer)
            throws IOException {
        if (offer.process() == driver.processId()) {
            throw new IOException(
                    "both ends are in one process, and CUDA opens no handle there: use loopback");
        }
        if (offer.device().equals(own.uuid())) {
            return;
        }
        for (Device device : driver.devices()) {
            if (device.uuid().equals(offer.device())) {
                if (driver.canAccessPeer(own.index(), device.index())) {
                    return;
                }
                throw new IOException(
                        "device %s cannot read the memory of device %s"
                                .formatted(own.uuid(), offer.device()));
            }
        }
        throw new IOException(
                "the peer's device %s is not visible to this process (CUDA_VISIBLE_DEVICES)"
                        .formatted(offer.device()));
    }

    private static void requireInside(RingOffer offer, long allocated) throws IOException {
        if (offer.bytes() <= 0
                || offer.bytes() > Inbox.MAX_RING_BYTES
                || offer.offset() < 0
                || offer.offset() > allocated - offer.bytes()) {
            throw new IOException(
                    "a ring of %d bytes at %d in an allocation of %d"
                            .formatted(offer.bytes(), offer.offset(), allocated));
        }
    }

    /** Asks for bytes of the ring to be copied, after what the peer copied there before. */
    void copy(long from, MemorySegment into) throws CudaFailure {
        filled.makeStreamWait();
        memory.copyToHost(offset + from, into);
    }

    @Override
    public void close() throws CudaFailure {
        parts.close();
    }
}
