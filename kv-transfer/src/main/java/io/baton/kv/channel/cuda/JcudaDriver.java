package io.baton.kv.channel.cuda;

import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.UUID;
import jcuda.driver.CUdevice;
import jcuda.driver.CUresult;
import jcuda.driver.CUuuid;
import jcuda.driver.JCudaDriver;

/**
 * The NVIDIA driver through JCuda. Loading this class loads JCuda, so {@link CudaLibrary} looks
 * first whether there is a driver at all.
 */
final class JcudaDriver implements CudaDriver {
    /** CUDA 12.0: JCuda 12.6 runs on drivers of this major version and of later ones. */
    private static final int LEAST_VERSION = 12_000;

    /**
     * Starts the driver.
     *
     * @throws CudaFailure if it does not start, or is too old
     */
    JcudaDriver() throws CudaFailure {
        JCudaDriver.setExceptionsEnabled(false);
        check("cuInit", JCudaDriver.cuInit(0));
        int[] version = new int[1];
        check("cuDriverGetVersion", JCudaDriver.cuDriverGetVersion(version));
        if (version[0] < LEAST_VERSION) {
            throw new CudaFailure(
                    "cuDriverGetVersion",
                    "the driver is for CUDA %d.%d, this needs 12.0 or newer"
                            .formatted(version[0] / 1000, version[0] % 1000 / 10));
        }
    }

    static void check(String call, int result) throws CudaFailure {
        if (result != CUresult.CUDA_SUCCESS) {
            throw new CudaFailure(call, CUresult.stringFor(result));
        }
    }

    @Override
    public List<Device> devices() throws CudaFailure {
        int[] count = new int[1];
        check("cuDeviceGetCount", JCudaDriver.cuDeviceGetCount(count));
        List<Device> devices = new ArrayList<>();
        for (int i = 0; i < count[0]; i++) {
            CUuuid uuid = new CUuuid();
            check("cuDeviceGetUuid", JCudaDriver.cuDeviceGetUuid(uuid, device(i)));
            ByteBuffer bytes = ByteBuffer.wrap(uuid.bytes);
            devices.add(new Device(i, new UUID(bytes.getLong(), bytes.getLong())));
        }
        return devices;
    }

    static CUdevice device(int index) throws CudaFailure {
        CUdevice device = new CUdevice();
        check("cuDeviceGet", JCudaDriver.cuDeviceGet(device, index));
        return device;
    }

    @Override
    public boolean canAccessPeer(int device, int peer) throws CudaFailure {
        int[] can = new int[1];
        check(
                "cuDeviceCanAccessPeer",
                JCudaDriver.cuDeviceCanAccessPeer(can, device(device), device(peer)));
        return can[0] != 0;
    }

    @Override
    public long processId() {
        return ProcessHandle.current().pid();
    }

    @Override
    public Context open(int device) throws CudaFailure {
        return JcudaContext.open(device(device));
    }
}
