package io.baton.kv.channel;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.channels.FileChannel.MapMode;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.FileAttribute;
import java.nio.file.attribute.PosixFileAttributes;
import java.nio.file.attribute.PosixFilePermission;
import java.nio.file.attribute.PosixFilePermissions;
import java.nio.file.attribute.UserPrincipal;
import java.time.Duration;
import java.time.Instant;
import java.util.HexFormat;
import java.util.Set;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.random.RandomGenerator;
import java.util.regex.Pattern;

/**
 * The file behind a channel's shared memory: made by the side that connects, for its owner alone,
 * in memory where the system has that as a folder, and gone as soon as both sides have mapped it.
 * What a crash left in between is known by its age and removed by the next one.
 */
final class ShmFile implements AutoCloseable {
    private static final System.Logger LOG = System.getLogger(ShmFile.class.getName());

    private static final Path SYSTEM_MEMORY = Path.of("/dev/shm");
    private static final String PREFIX = "baton-kv-";
    private static final Pattern NAME = Pattern.compile(PREFIX + "[0-9a-f]{32}");
    private static final int NAME_BYTES = 16;
    private static final int MOST_SWEPT = 64;
    private static final Duration LEFT_AFTER = Duration.ofMinutes(2);
    private static final Set<PosixFilePermission> OWNER_ONLY =
            PosixFilePermissions.fromString("rw-------");

    private final Path path;
    private final UserPrincipal owner;
    private final FileChannel file;
    private final AtomicBoolean closed = new AtomicBoolean();

    private ShmFile(Path path, UserPrincipal owner, FileChannel file) {
        this.path = path;
        this.owner = owner;
        this.file = file;
    }

    /** Makes a new file of zeroes and removes what crashes have left. */
    static ShmFile create(ShmLayout layout, RandomGenerator names) throws IOException {
        Path folder = folder();
        byte[] name = new byte[NAME_BYTES];
        names.nextBytes(name);
        Path path = folder.resolve(PREFIX + HexFormat.of().formatHex(name));
        FileAttribute<?> ownerOnly = PosixFilePermissions.asFileAttribute(OWNER_ONLY);
        FileChannel file =
                FileChannel.open(
                        path,
                        Set.of(
                                StandardOpenOption.CREATE_NEW,
                                StandardOpenOption.READ,
                                StandardOpenOption.WRITE),
                        ownerOnly);
        try {
            file.write(ByteBuffer.allocate(1), layout.fileBytes() - 1);
            sweep(folder, Files.getLastModifiedTime(path).toInstant().minus(LEFT_AFTER));
            return new ShmFile(path, Files.getOwner(path), file);
        } catch (IOException | RuntimeException e) {
            Files.deleteIfExists(path);
            file.close();
            throw e;
        }
    }

    private static Path folder() {
        return Files.isWritable(SYSTEM_MEMORY)
                ? SYSTEM_MEMORY
                : Path.of(System.getProperty("java.io.tmpdir"));
    }

    Path path() {
        return path;
    }

    /** Who runs this process. */
    UserPrincipal owner() {
        return owner;
    }

    MemorySegment map(ShmLayout layout, Arena arena) throws IOException {
        return file.map(MapMode.READ_WRITE, 0, layout.fileBytes(), arena);
    }

    /** Both sides have it, or nobody will: the name goes. Any number of times. */
    @Override
    public void close() {
        if (closed.getAndSet(true)) {
            return;
        }
        try {
            Files.deleteIfExists(path);
            file.close();
        } catch (IOException e) {
            LOG.log(System.Logger.Level.WARNING, "removing the memory of a KV channel", e);
        }
    }

    /**
     * Maps a file that a peer named.
     *
     * @param owner who must have made it
     * @throws IOException if it is no such file: a name of ours, for its owner alone, of this size
     */
    static MemorySegment open(Path path, UserPrincipal owner, ShmLayout layout, Arena arena)
            throws IOException {
        if (!path.isAbsolute() || !NAME.matcher(String.valueOf(path.getFileName())).matches()) {
            throw new IOException("not a name of KV memory: " + path);
        }
        PosixFileAttributes facts =
                Files.readAttributes(path, PosixFileAttributes.class, LinkOption.NOFOLLOW_LINKS);
        if (!facts.isRegularFile()
                || !facts.owner().equals(owner)
                || !facts.permissions().equals(OWNER_ONLY)
                || facts.size() != layout.fileBytes()) {
            throw new IOException(
                    "%s is not memory of %d bytes for %s alone"
                            .formatted(path, layout.fileBytes(), owner));
        }
        try (FileChannel file =
                FileChannel.open(
                        path,
                        StandardOpenOption.READ,
                        StandardOpenOption.WRITE,
                        LinkOption.NOFOLLOW_LINKS)) {
            return file.map(MapMode.READ_WRITE, 0, layout.fileBytes(), arena);
        }
    }

    /** Removes files of channels that should have been open long ago. */
    private static void sweep(Path folder, Instant before) throws IOException {
        int seen = 0;
        try (DirectoryStream<Path> files = Files.newDirectoryStream(folder, PREFIX + "*")) {
            for (Path each : files) {
                if (seen++ == MOST_SWEPT) {
                    return;
                }
                if (NAME.matcher(String.valueOf(each.getFileName())).matches()) {
                    removeIfLeft(each, before);
                }
            }
        }
    }

    private static void removeIfLeft(Path path, Instant before) {
        try {
            if (Files.getLastModifiedTime(path, LinkOption.NOFOLLOW_LINKS)
                    .toInstant()
                    .isBefore(before)) {
                Files.deleteIfExists(path);
            }
        } catch (IOException e) {
            // Gone meanwhile, or another user's: not ours to remove.
            LOG.log(System.Logger.Level.TRACE, "memory that an earlier process left", e);
        }
    }
}
