package io.baton.kv.channel;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.baton.common.error.BatonException;
import io.baton.common.error.ErrorCode;
import io.baton.common.time.Ticker;
import io.baton.common.worker.ClusterToken;
import io.baton.kv.testkit.Kv;
import java.lang.foreign.Arena;
import java.net.StandardProtocolFamily;
import java.net.URI;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The contract over shared memory, and what only shared memory has. */
final class ShmChannelTest extends ChannelContractTest {
    private static final ShmLayout LAYOUT = new ShmLayout(64 << 10, 16 << 10);

    @TempDir private Path folder;

    @Override
    URI url() {
        return URI.create("shm://" + folder.resolve("contract"));
    }

    private static ChannelOptions options() {
        return ChannelOptions.of(Kv.hello("w", 77, Kv.SMALL), ClusterToken.none(), Ticker.system());
    }

    @Test
    void aNewFolderLivesAsLongAsItsListener() throws Exception {
        Path path;
        try (var listener =
                new ShmChannelProvider().listen(URI.create("shm:///"), options(), new Frames())) {
            path = Path.of(listener.url().getPath());
            assertEquals("rwx------", permissions(path.resolveSibling(".")));
            assertEquals("rw-------", permissions(path));
        }
        assertFalse(Files.exists(path.resolveSibling(".")));
    }

    private static String permissions(Path path) throws java.io.IOException {
        return java.nio.file.attribute.PosixFilePermissions.toString(
                Files.getPosixFilePermissions(path));
    }

    @Test
    void takesThePlaceOfADeadListenerAndOfNothingElse() throws Exception {
        Path path = folder.resolve("dead");
        try (ServerSocketChannel dead = ServerSocketChannel.open(StandardProtocolFamily.UNIX)) {
            dead.bind(UnixDomainSocketAddress.of(path));
        }
        assertTrue(Files.exists(path), "its socket file stays");
        URI url = URI.create("shm://" + path);
        try (var first = new ShmChannelProvider().listen(url, options(), new Frames())) {
            refuses(url, "somebody listens");
            assertEquals(url, first.url());
        }
        Files.writeString(path, "a letter");
        refuses(url, "in the way");
        assertEquals("a letter", Files.readString(path));
    }

    @Test
    void namesWhatIsWrongWithAUrl() {
        for (String url : new String[] {"shm://host/name", "shm:name", "shm://name"}) {
            refuses(URI.create(url), "shm:///FOLDER/NAME");
        }
        refuses(URI.create("shm://" + folder.resolve("x".repeat(200))), "too long");
    }

    private static void refuses(URI url, String why) {
        BatonException refusal =
                assertThrows(
                        BatonException.class,
                        () -> new ShmChannelProvider().listen(url, options(), new Frames()));
        assertEquals(ErrorCode.CONFIGURATION, refusal.code());
        assertTrue(refusal.text().contains(why), refusal.text());
    }

    @Test
    void memoryIsTheOwnersAloneAndItsNameIsTakenAway() throws Exception {
        ShmFile file = ShmFile.create(LAYOUT, new SplittableRandom(1));
        Path renamed = folder.resolve("other-name");
        try (file;
                Arena arena = Arena.ofConfined()) {
            assertEquals("rw-------", permissions(file.path()));
            var ours = file.map(LAYOUT, arena);
            var theirs = ShmFile.open(file.path(), file.owner(), LAYOUT, arena);
            ours.set(java.lang.foreign.ValueLayout.JAVA_BYTE, 4096, (byte) 7);
            assertEquals(7, theirs.get(java.lang.foreign.ValueLayout.JAVA_BYTE, 4096));
            ShmLayout larger = new ShmLayout(128 << 10, 16 << 10);
            opens(file, file.path(), larger, "is not memory");
            opens(file, Path.of("relative"), LAYOUT, "not a name");
            Files.createSymbolicLink(renamed, file.path());
            opens(file, renamed, LAYOUT, "not a name");
            Path link = folder.resolve(file.path().getFileName());
            Files.createSymbolicLink(link, file.path());
            opens(file, link, LAYOUT, "is not memory");
            Files.setPosixFilePermissions(
                    file.path(),
                    java.nio.file.attribute.PosixFilePermissions.fromString("rw-r-----"));
            opens(file, file.path(), LAYOUT, "is not memory");
        }
        assertFalse(Files.exists(file.path()));
    }

    private static void opens(ShmFile file, Path path, ShmLayout layout, String refusal) {
        try (Arena arena = Arena.ofConfined()) {
            java.io.IOException refused =
                    assertThrows(
                            java.io.IOException.class,
                            () -> ShmFile.open(path, file.owner(), layout, arena));
            String text = String.valueOf(refused.getMessage());
            assertTrue(text.contains(refusal), text);
        }
    }

    /** Whatever a stranger says first, it is cut off. */
    @Test
    void aStrangerIsCutOffAtItsFirstWrongWord() throws Exception {
        ByteBuffer good = new ShmSetup(LAYOUT, Path.of("/nowhere/" + name(9))).encode();
        try (var listener = new ShmChannelProvider().listen(url2(), options(), new Frames())) {
            assertCutOff(listener.url(), ByteBuffer.wrap("GET / HTTP/1.1\r\n\r\n".getBytes()));
            assertCutOff(listener.url(), good);
            for (int at : new int[] {0, 4, 6, 7, 8, 11, 12}) {
                ByteBuffer wrong =
                        ByteBuffer.allocate(good.capacity()).put(0, good, 0, good.capacity());
                wrong.put(at, (byte) (wrong.get(at) ^ 0x91));
                try (SocketChannel stranger = connect(listener.url())) {
                    stranger.write(wrong);
                    stranger.shutdownOutput();
                    assertEquals(-1, stranger.read(ByteBuffer.allocate(10)), "byte " + at);
                }
            }
        }
    }

    private URI url2() {
        return URI.create("shm://" + folder.resolve("hostile"));
    }

    private static String name(int seed) {
        return "baton-kv-" + "%032x".formatted(seed);
    }

    private static SocketChannel connect(URI url) throws java.io.IOException {
        return SocketChannel.open(UnixDomainSocketAddress.of(url.getPath()));
    }

    private static void assertCutOff(URI url, ByteBuffer words) throws java.io.IOException {
        try (SocketChannel stranger = connect(url)) {
            stranger.write(words.duplicate());
            assertEquals(-1, stranger.read(ByteBuffer.allocate(10)));
        }
    }

    /** Positions that cannot be: the channel ends, and nothing outside the ring is touched. */
    @Test
    void wildPositionsOfAPeerEndTheChannel() throws Exception {
        long[] wild = {-1, Long.MIN_VALUE, Long.MAX_VALUE, LAYOUT.toReceiverBytes() + 1L};
        try (var listener = new ShmChannelProvider().listen(url2(), options(), new Frames())) {
            for (long tail : wild) {
                try (ShmFile file = ShmFile.create(LAYOUT, new SplittableRandom(tail));
                        Arena arena = Arena.ofConfined();
                        SocketChannel stranger = connect(listener.url())) {
                    var way = LAYOUT.toReceiver(file.map(LAYOUT, arena));
                    ShmWords.publish(way.control(), ShmLayout.TAIL, tail);
                    stranger.write(new ShmSetup(LAYOUT, file.path()).encode());
                    ByteBuffer signs = ByteBuffer.allocate(100);
                    while (stranger.read(signs.clear()) >= 0) {
                        stranger.write(ByteBuffer.wrap(new byte[1]));
                    }
                } catch (java.io.IOException broken) {
                    // Closed with or without bytes of ours unread.
                    String how = String.valueOf(broken);
                    assertTrue(how.contains("Broken pipe") || how.contains("reset"), how);
                }
            }
        }
    }

    @Test
    void aWriterTrustsNoReader() throws Exception {
        try (ShmFile file = ShmFile.create(LAYOUT, new SplittableRandom(3));
                Arena arena = Arena.ofConfined()) {
            var way = LAYOUT.toReceiver(file.map(LAYOUT, arena));
            ShmWriter writer = new ShmWriter(way);
            ByteBuffer[] bytes = {ByteBuffer.allocate(100)};
            assertEquals(100, writer.write(bytes, 1));
            for (long head : new long[] {101, -65_437, Long.MIN_VALUE, Long.MAX_VALUE}) {
                ShmWords.publish(way.control(), ShmLayout.HEAD, head);
                assertThrows(java.io.IOException.class, writer::hasMuchRoom, "head " + head);
                assertThrows(java.io.IOException.class, () -> writer.write(bytes, 1));
            }
        }
    }

    /** Bytes go round the ring's end many times, in pieces of all sizes. */
    @Test
    void aRingGivesBackWhatWasWritten() throws Exception {
        SplittableRandom random = new SplittableRandom(5);
        try (ShmFile file = ShmFile.create(LAYOUT, new SplittableRandom(4));
                Arena arena = Arena.ofConfined()) {
            var way = LAYOUT.toReceiver(file.map(LAYOUT, arena));
            ShmWriter writer = new ShmWriter(way);
            ShmReader reader = new ShmReader(way);
            long written = 0;
            long read = 0;
            while (read < 3_000_000) {
                byte[] next = new byte[random.nextInt(1, 70_000)];
                for (int i = 0; i < next.length; i++) {
                    next[i] = (byte) ((written + i) * 31 >> 3);
                }
                written += writer.write(new ByteBuffer[] {ByteBuffer.wrap(next)}, 1);
                ByteBuffer got;
                if (random.nextBoolean()) {
                    ByteBuffer piece = reader.piece();
                    int most = Math.min(piece.remaining(), random.nextInt(70_000));
                    got = ByteBuffer.allocate(most).put(0, piece, piece.position(), most);
                    reader.skip(most);
                } else {
                    got = ByteBuffer.allocate(random.nextInt(70_000));
                    reader.read(got);
                    got.flip();
                }
                for (int i = 0; i < got.limit(); i++) {
                    assertEquals((byte) ((read + i) * 31 >> 3), got.get(i));
                }
                read += got.limit();
            }
        }
    }
}
