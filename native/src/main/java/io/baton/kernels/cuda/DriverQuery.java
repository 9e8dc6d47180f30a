package io.baton.kernels.cuda;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import jcuda.CudaException;
import jcuda.driver.CUdevice;
import jcuda.driver.JCudaDriver;

/** Asks the driver through JCuda; loading this class loads JCuda. */
final class DriverQuery {
    private static final int NAME_BYTES = 128;

    private DriverQuery() {}

    static CudaDriver ask() {
        try {
            JCudaDriver.setExceptionsEnabled(true);
            return devices();
        } catch (CudaException e) {
            return new CudaDriver(List.of(), "the NVIDIA driver says: " + e.getMessage());
        }
    }

    private static CudaDriver devices() {
        JCudaDriver.cuInit(0);
        int[] number = new int[1];
        JCudaDriver.cuDriverGetVersion(number);
        String version = number[0] / 1000 + "." + number[0] % 1000 / 10;
        JCudaDriver.cuDeviceGetCount(number);
        List<String> devices = new ArrayList<>();
        for (int i = 0; i < number[0]; i++) {
            devices.add(device(i));
        }
        String found = devices.isEmpty() ? "no device" : String.join("; ", devices);
        return new CudaDriver(devices, "driver for CUDA %s, %s".formatted(version, found));
    }

    private static String device(int index) {
        CUdevice device = new CUdevice();
        JCudaDriver.cuDeviceGet(device, index);
        byte[] name = new byte[NAME_BYTES];
        JCudaDriver.cuDeviceGetName(name, NAME_BYTES, device);
        int end = 0;
        while (end < NAME_BYTES && name[end] != 0) {
            end++;
        }
        long[] bytes = new long[1];
        JCudaDriver.cuDeviceTotalMem(bytes, device);
        return String.format(
                Locale.ROOT,
                "%s, %d MiB",
                new String(name, 0, end, StandardCharsets.US_ASCII),
                bytes[0] >> 20);
    }
}
