package io.baton.kernels.cuda;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;

class CudaDriverTest {
    @Test
    void saysWhatIsThereOrWhyNothingIs() {
        CudaDriver driver = CudaDriver.find();
        if (Files.exists(Path.of("/dev/nvidia0"))) {
            assertFalse(driver.devices().isEmpty(), driver.detail());
            assertTrue(driver.detail().startsWith("driver for CUDA "), driver.detail());
        } else {
            assertTrue(driver.devices().isEmpty(), driver.detail());
            assertEquals(1, driver.detail().lines().count(), driver.detail());
        }
    }
}
