package io.baton.kv.channel.cuda;

import java.lang.foreign.MemorySegment;
import java.util.List;
import java.util.UUID;

/**
 * What the channel needs of the CUDA driver, as one process sees it. The rules are CUDA's own:
 *
 * <ul>
 *   <li>A memory handle names a whole allocation of the driver, so an address within it is handle
 *       and offset.
 *   <li>A process cannot open its own handles. The same handle opened twice gives the same mapping,
 *       which ends with the last close.
 *   <li>An importer closes its mapping before the exporter frees the memory; the other way round is
 *       undefined. Memory of an exporter that died stays while it is mapped.
 *   <li>A stream waits for the record of an event that was made last before it was asked to wait;
 *       for none if there was none.
 * </ul>
 *
 * Devices may be asked by any thread; a {@link Context} and all that comes from it belong to the
 * thread that opened it.
 */
public interface CudaDriver {
    /** Bytes of a handle of memory or of an event. */
    int HANDLE_BYTES = 64;

    /**
     * A device.
     *
     * @param index by which this process knows it
     * @param uuid the same in all processes
     */
    record Device(int index, UUID uuid) {}

    /** The devices that this process may use. */
    List<Device> devices() throws CudaFailure;

    /** Whether one device can read the memory of another one; false for one and the same. */
    boolean canAccessPeer(int device, int peer) throws CudaFailure;

    /** A number that differs among the processes of the machine. */
    long processId();

    /** Opens a device for the calling thread, with one stream on which all copies run in order. */
    Context open(int device) throws CudaFailure;

    /** A device in use. */
    interface Context extends AutoCloseable {
        /** Takes device memory that can be exported. */
        Memory allocate(long bytes) throws CudaFailure;

        /** Maps memory that another process exported, on this device or on a peer of it. */
        Memory open(byte[] handle) throws CudaFailure;

        /** Takes host memory that devices can copy to and from while the host goes on. */
        HostMemory allocateHost(long bytes) throws CudaFailure;

        /** Makes an event that can be exported. */
        Event createEvent() throws CudaFailure;

        /** Opens an event that another process exported. */
        Event openEvent(byte[] handle) throws CudaFailure;

        /** Waits until all that was asked of the stream is done. */
        void synchronize() throws CudaFailure;

        @Override
        void close() throws CudaFailure;
    }

    /** Device memory: taken here, or mapped from another process. Closing frees or unmaps it. */
    interface Memory extends AutoCloseable {
        /** Bytes that may be used. */
        long bytes();

        /** What another process opens; only of memory that was taken here. */
        Export export() throws CudaFailure;

        /** Asks the stream to copy from host memory of this context to {@code offset}. */
        void copyFromHost(long offset, MemorySegment from) throws CudaFailure;

        /** Asks the stream to copy from {@code offset} to host memory of this context. */
        void copyToHost(long offset, MemorySegment to) throws CudaFailure;

        @Override
        void close() throws CudaFailure;
    }

    /**
     * Memory as another process finds it.
     *
     * @param handle of the driver's allocation
     * @param offset of the memory in what the handle opens
     */
    record Export(byte[] handle, long offset) {}

    /** Host memory that devices know. */
    interface HostMemory extends AutoCloseable {
        /** All of it. */
        MemorySegment segment();

        @Override
        void close() throws CudaFailure;
    }

    /** A point in a stream, for streams of other processes too. */
    interface Event extends AutoCloseable {
        /** What another process opens; only of an event that was made here. */
        byte[] export() throws CudaFailure;

        /** Marks what was asked of the stream so far. */
        void record() throws CudaFailure;

        /** Lets the stream wait for the last record, made by whichever process. */
        void makeStreamWait() throws CudaFailure;

        @Override
        void close() throws CudaFailure;
    }
}
