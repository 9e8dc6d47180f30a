package io.baton.kv.channel.ucx;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;

class UcxLibraryTest {
    @Test
    void opensWhereUcxIsAndSaysWhatToInstallElsewhere() {
        UcxLibrary ucx = UcxLibrary.find();
        if (Files.exists(Path.of("/usr/lib/x86_64-linux-gnu/libucp.so.0"))) {
            assertTrue(ucx.usable(), ucx.detail());
        } else {
            assertEquals("libucp.so.0 not found: apt-get install libucx0", ucx.detail());
        }
    }
}
