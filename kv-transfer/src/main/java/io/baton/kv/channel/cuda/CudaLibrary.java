package io.baton.kv.channel.cuda;

import io.baton.common.error.BatonException;
import io.baton.common.error.ErrorCode;
import org.jspecify.annotations.Nullable;

/**
 * The machine's CUDA driver, if there is one with a device that JCuda can work with.
 *
 * @param driver null if there is none
 * @param detail one line for people
 */
public record CudaLibrary(@Nullable CudaDriver driver, String detail) {
    /** Looks for the driver and its devices. Never throws: what is missing is in the detail. */
    public static CudaLibrary find() {
        var found = io.baton.kernels.cuda.CudaDriver.find();
        if (found.devices().isEmpty()) {
            return new CudaLibrary(null, found.detail());
        }
        try {
            return new CudaLibrary(new JcudaDriver(), found.detail());
        } catch (CudaFailure | LinkageError e) {
            String why = String.valueOf(e.getMessage()).lines().findFirst().orElse("unknown");
            return new CudaLibrary(null, why);
        }
    }

    /** Why CUDA cannot be used, or null if it can; looks once in the process. */
    static @Nullable String whyNot() {
        return Found.ONCE.driver() == null ? Found.ONCE.detail() : null;
    }

    /**
     * The driver; looks once in the process.
     *
     * @throws BatonException CONFIGURATION if there is none; one line says why
     */
    static CudaDriver require() {
        CudaDriver driver = Found.ONCE.driver();
        if (driver == null) {
            throw new BatonException(
                    ErrorCode.CONFIGURATION,
                    "the cuda-ipc channel cannot be used: " + Found.ONCE.detail(),
                    "kv.channel");
        }
        return driver;
    }

    private static final class Found {
        static final CudaLibrary ONCE = find();
    }
}
