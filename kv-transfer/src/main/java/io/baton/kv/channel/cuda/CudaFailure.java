package io.baton.kv.channel.cuda;

import java.io.IOException;

/** A call of the CUDA driver failed. */
public final class CudaFailure extends IOException {
    private static final long serialVersionUID = 1;

    /**
     * A failure.
     *
     * @param call the driver's function
     * @param result the name of its result, such as {@code CUDA_ERROR_INVALID_HANDLE}
     */
    public CudaFailure(String call, String result) {
        super(call + ": " + result);
    }
}
