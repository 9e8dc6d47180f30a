package io.baton.kv.testkit;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;

import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;

/**
 * Golden byte files. They change only with the format's version; to write them anew, run the tests
 * with {@code BATON_WRITE_GOLDEN=1} and look at the difference.
 */
public final class Golden {
    private Golden() {}

    public static void check(String name, byte[] actual) throws IOException {
        if (System.getenv("BATON_WRITE_GOLDEN") != null) {
            Path folder =
                    Path.of(
                            System.getProperty("baton.root"),
                            "kv-transfer/src/test/resources/golden");
            Files.createDirectories(folder);
            Files.write(folder.resolve(name), actual);
            return;
        }
        assertArrayEquals(read(name), actual, name);
    }

    public static byte[] read(String name) throws IOException {
        try (InputStream in = Golden.class.getResourceAsStream("/golden/" + name)) {
            assertNotNull(in, "no golden file " + name);
            return in.readAllBytes();
        }
    }
}
