package io.baton.kv.transfer;

import io.baton.kv.channel.KvChannelProvider.Reach;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.time.Instant;
import java.util.HexFormat;
import org.jspecify.annotations.Nullable;

/**
 * Marks by which two workers know that they share a host or a process. Names and addresses of hosts
 * are no proof: containers of one host do not share memory, and copies of a machine have one name.
 * The marks are hashes, so a ticket tells nothing about the machine.
 *
 * @param host boot id, user, and the namespaces that shared memory needs; empty if they cannot be
 *     read, and then no other worker is on this host
 * @param process the process on that host; empty if the host is
 */
public record Whereabouts(String host, String process) {
    private static final System.Logger LOG = System.getLogger(Whereabouts.class.getName());

    private static final Path PROC = Path.of("/proc");

    /** Those of this process. */
    public static Whereabouts here() {
        try {
            StringBuilder marks = new StringBuilder();
            marks.append(Files.readString(PROC.resolve("sys/kernel/random/boot_id")).strip());
            for (String namespace : new String[] {"mnt", "ipc", "pid", "user"}) {
                marks.append(' ')
                        .append(Files.readSymbolicLink(PROC.resolve("self/ns").resolve(namespace)));
            }
            marks.append(' ').append(Files.getAttribute(PROC.resolve("self"), "unix:uid"));
            String host = mark(marks.toString());
            ProcessHandle self = ProcessHandle.current();
            Instant start = self.info().startInstant().orElse(Instant.EPOCH);
            return new Whereabouts(host, mark(host + " " + self.pid() + " " + start));
        } catch (IOException | UnsupportedOperationException | IllegalArgumentException e) {
            LOG.log(System.Logger.Level.DEBUG, "this host cannot be told from others", e);
            return new Whereabouts("", "");
        }
    }

    /** The mark that both ends of a channel must have; null if there can be none. */
    @Nullable String place(Reach reach) {
        String place =
                switch (reach) {
                    case PROCESS -> process;
                    case HOST -> host;
                    case NETWORK -> "";
                };
        return reach.isLocal() && place.isEmpty() ? null : place;
    }

    private static String mark(String text) {
        try {
            byte[] hash =
                    MessageDigest.getInstance("SHA-256")
                            .digest(("baton place " + text).getBytes(StandardCharsets.UTF_8));
            return HexFormat.of().formatHex(hash, 0, 16);
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("every JDK has SHA-256", e);
        }
    }
}
