package io.baton.kv.transfer;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.AfterAll;

/** Transfers through shared memory. */
final class ShmTransferTest extends TransferContractTest {
    private static final Path FOLDER = folder();

    private static Path folder() {
        try {
            return Files.createTempDirectory("shm-transfers-");
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Listeners have removed their sockets: the folder is empty. */
    @AfterAll
    static void remove() throws IOException {
        Files.delete(FOLDER);
    }

    @Override
    String url() {
        return "shm://" + FOLDER + "/contract";
    }
}
