package io.baton.kv.channel.cuda;

import io.baton.common.error.BatonException;
import io.baton.common.error.ErrorCode;
import io.baton.kv.channel.cuda.CudaDriver.Device;
import io.baton.kv.channel.fetch.SlotPool;
import java.io.IOException;

/**
 * What the channels of a listener or connector share.
 *
 * @param driver of this process
 * @param device that it uses
 * @param thread that alone touches the device
 * @param slots host memory into which rings are fetched; the loop's thread alone
 */
record CudaEnd(CudaDriver driver, Device device, CudaThread thread, SlotPool slots)
        implements AutoCloseable {
    /**
     * Opens a device.
     *
     * @throws BatonException CONFIGURATION if it cannot be used
     */
    static CudaEnd open(String name, CudaDriver driver, int index, long limitNanos) {
        try {
            Device device = device(driver, index);
            CudaThread thread = CudaThread.start(name, driver, index);
            try {
                CudaDriver.HostMemory[] made = new CudaDriver.HostMemory[1];
                thread.runNow(
                        context -> {
                            made[0] = context.allocateHost(SlotPool.BYTES);
                            thread.own(made[0]::close);
                        },
                        limitNanos);
                return new CudaEnd(driver, device, thread, new SlotPool(() -> made[0].segment()));
            } catch (IOException | InterruptedException | RuntimeException e) {
                thread.close();
                throw e;
            }
        } catch (IOException e) {
            throw unusable(String.valueOf(e.getMessage()), e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw unusable("opening it was interrupted", e);
        }
    }

    private static Device device(CudaDriver driver, int index) throws CudaFailure {
        for (Device device : driver.devices()) {
            if (device.index() == index) {
                return device;
            }
        }
        throw new CudaFailure("cuDeviceGet", "no device " + index);
    }

    private static BatonException unusable(String why, Exception cause) {
        return new BatonException(
                ErrorCode.CONFIGURATION,
                "the cuda-ipc channel cannot be used: " + why,
                "kv.channel",
                cause);
    }

    @Override
    public void close() {
        thread.close();
    }
}
