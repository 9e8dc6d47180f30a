package io.baton.kv.channel.ucx;

import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;

/** The machine's verbs devices. */
final class RdmaDevices {
    private static final System.Logger LOG = System.getLogger(RdmaDevices.class.getName());
    private static final Path VERBS = Path.of("/sys/class/infiniband_verbs");

    private RdmaDevices() {}

    /** Whether there is one that processes can open. */
    static boolean any() {
        if (!Files.isDirectory(VERBS)) {
            return false;
        }
        try (DirectoryStream<Path> devices = Files.newDirectoryStream(VERBS, "uverbs*")) {
            return devices.iterator().hasNext();
        } catch (IOException e) {
            LOG.log(System.Logger.Level.DEBUG, "looking for RDMA devices", e);
            return false;
        }
    }
}
