package io.baton.kv.channel;

import io.baton.common.error.BatonException;
import io.baton.common.error.ErrorCode;
import java.io.IOException;
import java.net.StandardProtocolFamily;
import java.net.URI;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.nio.file.attribute.UserPrincipal;
import jdk.net.ExtendedSocketOptions;
import org.jspecify.annotations.Nullable;

/**
 * The local socket of a listener whose peers are on the same machine, at the path of its URL:
 * {@code shm:///folder/name}, or {@code shm:///} for a new folder of its own. Only its owner may
 * connect.
 *
 * @param path of the socket
 * @param folder made for it alone and removed with it; null if it was there before
 */
public record LocalSocket(ServerSocketChannel server, Path path, @Nullable Path folder)
        implements AutoCloseable {
    private static final System.Logger LOG = System.getLogger(LocalSocket.class.getName());

    private static final int BACKLOG = 128;
    private static final String FOLDER_PREFIX = "baton-kv-";
    private static final String NAME = "socket";
    private static final int MOST_SWEPT = 64;

    /**
     * Binds.
     *
     * @throws IOException if somebody listens there, or something else is there
     */
    public static LocalSocket bind(URI url) throws IOException {
        String given = url.getPath();
        if (!given.equals("/")) {
            Path path = Path.of(given);
            removeIfLeft(path);
            return bind(path, null);
        }
        sweep(Path.of(System.getProperty("java.io.tmpdir")));
        Path folder = Files.createTempDirectory(FOLDER_PREFIX);
        try {
            return bind(folder.resolve(NAME), folder);
        } catch (IOException | RuntimeException e) {
            Files.deleteIfExists(folder);
            throw e;
        }
    }

    private static LocalSocket bind(Path path, @Nullable Path folder) throws IOException {
        ServerSocketChannel server = ServerSocketChannel.open(StandardProtocolFamily.UNIX);
        try {
            server.configureBlocking(false);
            server.bind(UnixDomainSocketAddress.of(path), BACKLOG);
            Files.setPosixFilePermissions(path, PosixFilePermissions.fromString("rw-------"));
            return new LocalSocket(server, path, folder);
        } catch (IOException | RuntimeException e) {
            server.close();
            throw e;
        }
    }

    /** Who listens. */
    public UserPrincipal owner() throws IOException {
        return Files.getOwner(path);
    }

    /** Who runs this process. */
    public static UserPrincipal self() throws IOException {
        return Files.getOwner(Path.of("/proc/self"));
    }

    /** The URL of the carrier that uses it. */
    public URI url(String scheme) {
        return URI.create(scheme + "://" + path.toUri().getRawPath());
    }

    /**
     * The path of such a URL.
     *
     * @throws BatonException CONFIGURATION if there is none
     */
    public static Path path(URI url) {
        String path = url.getPath();
        try {
            if (url.getAuthority() == null && path != null && path.startsWith("/")) {
                return Path.of(path);
            }
        } catch (InvalidPathException e) {
            throw badUrl(url, e);
        }
        throw badUrl(url, null);
    }

    private static BatonException badUrl(URI url, @Nullable InvalidPathException cause) {
        return new BatonException(
                ErrorCode.CONFIGURATION,
                "the URL of this KV channel is %1$s:///FOLDER/NAME or %1$s:///, got %2$s"
                        .formatted(url.getScheme(), url),
                "kv.host",
                cause);
    }

    /**
     * Connects without blocking.
     *
     * @throws IOException if nobody listens
     */
    public static SocketChannel connect(Path path) throws IOException {
        SocketChannel socket = SocketChannel.open(StandardProtocolFamily.UNIX);
        try {
            socket.configureBlocking(false);
            socket.connect(UnixDomainSocketAddress.of(path));
            return socket;
        } catch (IOException | RuntimeException e) {
            socket.close();
            throw e;
        }
    }

    /**
     * Refuses a peer that another user runs.
     *
     * @throws IOException if it does
     */
    public static void requireUser(SocketChannel socket, UserPrincipal owner) throws IOException {
        UserPrincipal user = socket.getOption(ExtendedSocketOptions.SO_PEERCRED).user();
        if (!user.equals(owner)) {
            throw new IOException("the peer is run by %s, not by %s".formatted(user, owner));
        }
    }

    /** Removes the sockets of listeners that ended without doing so. */
    private static void sweep(Path parent) throws IOException {
        int seen = 0;
        try (DirectoryStream<Path> folders =
                Files.newDirectoryStream(parent, FOLDER_PREFIX + "*")) {
            for (Path folder : folders) {
                if (seen++ == MOST_SWEPT) {
                    return;
                }
                Path socket = folder.resolve(NAME);
                if (Files.isWritable(folder) && Files.exists(socket, LinkOption.NOFOLLOW_LINKS)) {
                    sweepFolder(folder, socket);
                }
            }
        }
    }

    private static void sweepFolder(Path folder, Path socket) {
        try {
            removeIfLeft(socket);
            Files.deleteIfExists(folder);
        } catch (IOException e) {
            // Somebody listens there.
            LOG.log(System.Logger.Level.TRACE, "a listener's folder", e);
        }
    }

    /** Removes a socket that nobody listens on any more. */
    private static void removeIfLeft(Path path) throws IOException {
        if (!Files.exists(path, LinkOption.NOFOLLOW_LINKS)) {
            return;
        }
        if (!Files.readAttributes(
                        path,
                        java.nio.file.attribute.BasicFileAttributes.class,
                        LinkOption.NOFOLLOW_LINKS)
                .isOther()) {
            throw new IOException("a file is in the way: " + path);
        }
        if (isListenedOn(path)) {
            throw new IOException("somebody listens there already");
        }
        Files.deleteIfExists(path);
    }

    private static boolean isListenedOn(Path path) throws IOException {
        try (SocketChannel probe = SocketChannel.open(StandardProtocolFamily.UNIX)) {
            probe.configureBlocking(false);
            probe.connect(UnixDomainSocketAddress.of(path));
            return true;
        } catch (java.net.ConnectException refused) {
            return false;
        }
    }

    @Override
    public void close() {
        try {
            server.close();
            Files.deleteIfExists(path);
            if (folder != null) {
                Files.deleteIfExists(folder);
            }
        } catch (IOException e) {
            LOG.log(System.Logger.Level.DEBUG, "closing a listening socket", e);
        }
    }
}
