package io.baton.kv.channel.cuda;

import static io.baton.kv.channel.cuda.JcudaDriver.check;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import jcuda.Pointer;
import jcuda.driver.CUcontext;
import jcuda.driver.CUdevice;
import jcuda.driver.CUdeviceptr;
import jcuda.driver.CUevent;
import jcuda.driver.CUevent_flags;
import jcuda.driver.CUipcEventHandle;
import jcuda.driver.CUipcMemHandle;
import jcuda.driver.CUipcMem_flags;
import jcuda.driver.CUresult;
import jcuda.driver.CUstream;
import jcuda.driver.CUstream_flags;
import jcuda.driver.JCudaDriver;

/** The primary context of a device and one stream. The thread that opened it. */
final class JcudaContext implements CudaDriver.Context {
    private final CUdevice device;
    private final CUstream stream;

    private JcudaContext(CUdevice device, CUstream stream) {
        this.device = device;
        this.stream = stream;
    }

    static JcudaContext open(CUdevice device) throws CudaFailure {
        CUcontext context = new CUcontext();
        check("cuDevicePrimaryCtxRetain", JCudaDriver.cuDevicePrimaryCtxRetain(context, device));
        CUstream stream = new CUstream();
        int result = JCudaDriver.cuCtxSetCurrent(context);
        if (result == CUresult.CUDA_SUCCESS) {
            result = JCudaDriver.cuStreamCreate(stream, CUstream_flags.CU_STREAM_NON_BLOCKING);
        }
        if (result != CUresult.CUDA_SUCCESS) {
            JCudaDriver.cuDevicePrimaryCtxRelease(device);
            throw new CudaFailure("cuStreamCreate", CUresult.stringFor(result));
        }
        return new JcudaContext(device, stream);
    }

    @Override
    public CudaDriver.Memory allocate(long bytes) throws CudaFailure {
        CUdeviceptr pointer = new CUdeviceptr();
        check("cuMemAlloc", JCudaDriver.cuMemAlloc(pointer, bytes));
        return new DeviceMemory(stream, pointer, bytes, false);
    }

    @Override
    public CudaDriver.Memory open(byte[] handle) throws CudaFailure {
        CUipcMemHandle opening = new CUipcMemHandle();
        Handles.MEMORY.set(opening, handle.clone());
        CUdeviceptr pointer = new CUdeviceptr();
        check(
                "cuIpcOpenMemHandle",
                JCudaDriver.cuIpcOpenMemHandle(
                        pointer, opening, CUipcMem_flags.CU_IPC_MEM_LAZY_ENABLE_PEER_ACCESS));
        long[] bytes = new long[1];
        int result = JCudaDriver.cuMemGetAddressRange(new CUdeviceptr(), bytes, pointer);
        if (result != CUresult.CUDA_SUCCESS) {
            JCudaDriver.cuIpcCloseMemHandle(pointer);
            throw new CudaFailure("cuMemGetAddressRange", CUresult.stringFor(result));
        }
        return new DeviceMemory(stream, pointer, bytes[0], true);
    }

    @Override
    public CudaDriver.HostMemory allocateHost(long bytes) throws CudaFailure {
        Arena arena = Arena.ofShared();
        MemorySegment memory = arena.allocate(bytes, PinnedMemory.PAGE);
        Pointer pointer = Pointer.to(memory.asByteBuffer());
        int result = JCudaDriver.cuMemHostRegister(pointer, bytes, 0);
        if (result != CUresult.CUDA_SUCCESS) {
            arena.close();
            throw new CudaFailure("cuMemHostRegister", CUresult.stringFor(result));
        }
        return new PinnedMemory(arena, memory, pointer);
    }

    @Override
    public CudaDriver.Event createEvent() throws CudaFailure {
        CUevent event = new CUevent();
        check(
                "cuEventCreate",
                JCudaDriver.cuEventCreate(
                        event,
                        CUevent_flags.CU_EVENT_INTERPROCESS
                                | CUevent_flags.CU_EVENT_DISABLE_TIMING));
        return new StreamEvent(stream, event);
    }

    @Override
    public CudaDriver.Event openEvent(byte[] handle) throws CudaFailure {
        CUipcEventHandle opening = new CUipcEventHandle();
        Handles.EVENT.set(opening, handle.clone());
        CUevent event = new CUevent();
        check("cuIpcOpenEventHandle", JCudaDriver.cuIpcOpenEventHandle(event, opening));
        return new StreamEvent(stream, event);
    }

    @Override
    public void synchronize() throws CudaFailure {
        check("cuStreamSynchronize", JCudaDriver.cuStreamSynchronize(stream));
    }

    @Override
    public void close() throws CudaFailure {
        int result = JCudaDriver.cuStreamDestroy(stream);
        check("cuDevicePrimaryCtxRelease", JCudaDriver.cuDevicePrimaryCtxRelease(device));
        check("cuStreamDestroy", result);
    }

    private record DeviceMemory(CUstream stream, CUdeviceptr pointer, long bytes, boolean mapped)
            implements CudaDriver.Memory {
        /** The handle opens the driver's own block, in which this memory may be but a part. */
        @Override
        public CudaDriver.Export export() throws CudaFailure {
            CUdeviceptr base = new CUdeviceptr();
            check(
                    "cuMemGetAddressRange",
                    JCudaDriver.cuMemGetAddressRange(base, new long[1], pointer));
            CUipcMemHandle handle = new CUipcMemHandle();
            check("cuIpcGetMemHandle", JCudaDriver.cuIpcGetMemHandle(handle, base));
            return new CudaDriver.Export(
                    ((byte[]) Handles.MEMORY.get(handle)).clone(),
                    new Address(pointer).value() - new Address(base).value());
        }

        @Override
        public void copyFromHost(long offset, MemorySegment from) throws CudaFailure {
            check(
                    "cuMemcpyHtoDAsync",
                    JCudaDriver.cuMemcpyHtoDAsync(
                            pointer.withByteOffset(offset),
                            Pointer.to(from.asByteBuffer()),
                            from.byteSize(),
                            stream));
        }

        @Override
        public void copyToHost(long offset, MemorySegment to) throws CudaFailure {
            check(
                    "cuMemcpyDtoHAsync",
                    JCudaDriver.cuMemcpyDtoHAsync(
                            Pointer.to(to.asByteBuffer()),
                            pointer.withByteOffset(offset),
                            to.byteSize(),
                            stream));
        }

        @Override
        public void close() throws CudaFailure {
            if (mapped) {
                check("cuIpcCloseMemHandle", JCudaDriver.cuIpcCloseMemHandle(pointer));
            } else {
                check("cuMemFree", JCudaDriver.cuMemFree(pointer));
            }
        }
    }

    private record PinnedMemory(Arena arena, MemorySegment segment, Pointer pointer)
            implements CudaDriver.HostMemory {
        static final long PAGE = 4096;

        @Override
        public void close() throws CudaFailure {
            int result = JCudaDriver.cuMemHostUnregister(pointer);
            arena.close();
            check("cuMemHostUnregister", result);
        }
    }

    private record StreamEvent(CUstream stream, CUevent event) implements CudaDriver.Event {
        @Override
        public byte[] export() throws CudaFailure {
            CUipcEventHandle handle = new CUipcEventHandle();
            check("cuIpcGetEventHandle", JCudaDriver.cuIpcGetEventHandle(handle, event));
            return ((byte[]) Handles.EVENT.get(handle)).clone();
        }

        @Override
        public void record() throws CudaFailure {
            check("cuEventRecord", JCudaDriver.cuEventRecord(event, stream));
        }

        @Override
        public void makeStreamWait() throws CudaFailure {
            check("cuStreamWaitEvent", JCudaDriver.cuStreamWaitEvent(stream, event, 0));
        }

        @Override
        public void close() throws CudaFailure {
            check("cuEventDestroy", JCudaDriver.cuEventDestroy(event));
        }
    }

    /** The number behind a device pointer, which JCuda shows to subclasses alone. */
    static final class Address extends CUdeviceptr {
        Address(CUdeviceptr pointer) {
            super(pointer);
        }

        long value() {
            return getNativePointer() + getByteOffset();
        }
    }

    /** The bytes of handles, which JCuda keeps to itself. */
    static final class Handles {
        static final VarHandle MEMORY = bytes(CUipcMemHandle.class);
        static final VarHandle EVENT = bytes(CUipcEventHandle.class);

        private static VarHandle bytes(Class<?> handle) {
            try {
                return MethodHandles.privateLookupIn(handle, MethodHandles.lookup())
                        .findVarHandle(handle, "reserved", byte[].class);
            } catch (ReflectiveOperationException e) {
                throw new IllegalStateException("this JCuda hides the bytes of IPC handles", e);
            }
        }
    }
}
