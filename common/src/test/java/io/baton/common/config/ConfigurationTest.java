package io.baton.common.config;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.baton.common.error.BatonException;
import io.baton.common.error.ErrorCode;
import io.baton.common.kv.KvDtype;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class ConfigurationTest {
    @TempDir Path folder;

    @Test
    void defaultsStandWhereNothingIsGiven() {
        Configuration config = Configuration.of(Map.of());
        assertEquals(8000, config.get(HttpSettings.PORT));
        assertEquals("127.0.0.1", config.get(HttpSettings.HOST));
        assertEquals(KvDtype.BF16, config.get(KvSettings.DTYPE));
        assertEquals(Duration.ofMillis(250), config.get(ClusterSettings.HEARTBEAT));
        assertEquals(List.of(), config.get(AccessSettings.API_KEYS));
        for (Setting<?> setting : Settings.all()) {
            assertInstanceOf(Origin.Default.class, config.origin(setting));
        }
    }

    @Test
    void flagBeatsEnvironmentBeatsFileBeatsDefault() throws IOException {
        Path file = file("http: {port: 1, host: 10.0.0.1}\nkv.pool: 65536tokens\n");
        Map<String, String> env = Map.of("BATON_HTTP_PORT", "2", "BATON_KV_POOL", "2GiB");
        Map<String, String> flags = Map.of("http.port", "3");
        Configuration config = Configuration.load(file, env, flags);

        assertEquals(3, config.get(HttpSettings.PORT));
        assertEquals("flag --port", config.origin(HttpSettings.PORT).toString());
        assertEquals(new KvPoolSize(KvPoolSize.Unit.BYTES, 2L << 30), config.get(KvSettings.POOL));
        assertEquals("environment BATON_KV_POOL", config.origin(KvSettings.POOL).toString());
        assertEquals("10.0.0.1", config.get(HttpSettings.HOST));
        assertEquals("file " + file, config.origin(HttpSettings.HOST).toString());
        assertEquals("default", config.origin(HttpSettings.MAX_BODY).toString());
    }

    @Test
    void nestedAndDottedKeysAndListsAreRead() throws IOException {
        Path file =
                file(
                        """
                        model:
                          name: gemma3-270m
                          served-names: [a, b]
                        cluster: {lease: 3s}
                        retry: {budget: 0.5}
                        debug.logits: true
                        """);
        Configuration config = Configuration.load(file, Map.of(), Map.of());
        assertEquals("gemma3-270m", config.get(ModelSettings.NAME));
        assertEquals(List.of("a", "b"), config.get(ModelSettings.SERVED_NAMES));
        assertEquals(Duration.ofSeconds(3), config.get(ClusterSettings.LEASE));
        assertEquals(0.5, config.get(RouteSettings.RETRY_BUDGET));
        assertTrue(config.get(DiagnosticSettings.DEBUG_LOGITS));
    }

    @Test
    void anUnknownKeyNamesTheNearestOne() throws IOException {
        Path file = file("http:\n  prot: 1\n");
        BatonException error = fails(() -> Configuration.load(file, Map.of(), Map.of()));
        assertTrue(error.text().contains("http.prot"), error.text());
        assertTrue(error.text().contains("did you mean http.port?"), error.text());
        assertEquals("http.prot", error.param());
    }

    @Test
    void anUnknownVariableNamesTheNearestOne() {
        BatonException error =
                fails(() -> Configuration.load(null, Map.of("BATON_HTP_PORT", "1"), Map.of()));
        assertTrue(error.text().contains("did you mean BATON_HTTP_PORT?"), error.text());
    }

    @Test
    void foreignVariablesAreLeftAlone() {
        Map<String, String> env =
                Map.of(
                        "BATON_HOME", "/somewhere",
                        "BATON_ROUTER_SERVICE_HOST", "10.0.0.1",
                        "BATON_ROUTER_PORT_8000_TCP_ADDR", "10.0.0.1",
                        "BATON_HTTP_PORT", "tcp://10.0.0.1:80",
                        "PATH", "/bin");
        assertEquals(8000, Configuration.load(null, env, Map.of()).get(HttpSettings.PORT));
    }

    @ParameterizedTest
    @CsvSource({
        "http.port, 65536",
        "http.port, -1",
        "http.port, x",
        "http.max-body, 2GiB",
        "http.max-body, 12parsecs",
        "http.max-body, -1",
        "transfer.stall, 3",
        "transfer.stall, 1ms",
        "kernels.provider, cuda",
        "kv.dtype, f8",
        "kv.pool, 0tokens",
        "kv.pool, -5tokens",
        "kv.pool, 1.5tokens",
        "retry.budget, NaN",
        "retry.budget, 1.1",
        "model.demo, maybe",
        "model.name, ''",
        "kv.sameness, roughly",
        "http.max-body, 99999999999999999TiB",
        "transfer.stall, 9999999999999d"
    })
    void aBadValueIsRefusedByName(String key, String value) {
        BatonException error = fails(() -> Configuration.of(Map.of(key, value)));
        assertEquals(key, error.param());
        assertTrue(error.text().contains("is wanted"), error.text());
    }

    @ParameterizedTest
    @CsvSource({
        "1, 1",
        "64KiB, 65536",
        "64 kib, 65536",
        "1.5GiB, 1610612736",
        "1MB, 1000000",
        "0.5KiB, 512"
    })
    void sizesHaveUnits(String text, long bytes) {
        assertEquals(bytes, Quantities.bytes(text));
        assertEquals(bytes, Quantities.bytes(Quantities.formatBytes(bytes)));
    }

    @ParameterizedTest
    @CsvSource({"250ms, 250", "3s, 3000", "0.5s, 500", "5m, 300000", "2h, 7200000", "1d, 86400000"})
    void durationsHaveUnits(String text, long millis) {
        Duration duration = Quantities.duration(text);
        assertEquals(Duration.ofMillis(millis), duration);
        assertEquals(duration, Quantities.duration(Quantities.formatDuration(duration)));
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "s", "3", "3 weeks", "-3s", "1.0000000001s", "3s3s"})
    void badDurationsAreRefused(String text) {
        assertThrows(IllegalArgumentException.class, () -> Quantities.duration(text));
    }

    @Test
    void secretsComeFromFilesAndAreNeverPrinted() throws IOException {
        Path file = folder.resolve("keys");
        Files.writeString(file, "alpha-key\nbeta-key\n\n");
        Configuration config =
                Configuration.of(Map.of("api.keys", "@" + file, "cluster.token", "hush"));
        assertEquals(List.of("alpha-key", "beta-key"), config.get(AccessSettings.API_KEYS));
        String printed = config.print(true);
        assertFalse(printed.contains("alpha-key"), printed);
        assertFalse(printed.contains("hush"), printed);
        assertTrue(printed.contains("cluster.token: \"********\""), printed);
    }

    @Test
    void aMissingSecretFileIsAnError() {
        fails(() -> Configuration.of(Map.of("cluster.token", "@" + folder.resolve("none"))));
    }

    @Test
    void whatIsPrintedCanBeReadAgain() throws IOException {
        Configuration config = Configuration.of(Map.of("http.port", "9", "kv.pool", "12345tokens"));
        Configuration again = Configuration.load(file(config.print(false)), Map.of(), Map.of());
        for (Setting<?> setting : Settings.all()) {
            assertEquals(config.text(setting), again.text(setting), setting.key());
        }
    }

    @ParameterizedTest
    @CsvSource({
        "kv.chunk-tokens, 100",
        "cluster.lease, 300ms",
        "control.host, 0.0.0.0",
        "kv.host, 10.1.2.3"
    })
    void combinationsThatCannotWorkAreRefused(String key, String value) {
        assertEquals(key, fails(() -> Configuration.of(Map.of(key, value))).param());
    }

    @Test
    void aClusterTokenOpensTheNetwork() {
        Configuration config =
                Configuration.of(
                        Map.of(
                                "cluster.token", "t",
                                "control.host", "0.0.0.0",
                                "kv.host", "0.0.0.0"));
        assertEquals("0.0.0.0", config.get(KvSettings.HOST));
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "- a\n- b\n",
                "http: [",
                "http.port: 1\nhttp: {port: 2}\n",
                "http.port: 1\nhttp.port: 2\n",
                "model.served-names: [[a]]\n",
                "a: {b: {c: {d: {e: {f: {g: {h: {i: {j: 1}}}}}}}}}\n"
            })
    void badFilesAreRefused(String text) throws IOException {
        Path file = file(text);
        fails(() -> Configuration.load(file, Map.of(), Map.of()));
    }

    @Test
    void anEmptyFileIsFine() throws IOException {
        assertEquals(
                8000,
                Configuration.load(file("# nothing\n"), Map.of(), Map.of()).get(HttpSettings.PORT));
    }

    @Test
    void everySettingHasAMeaningAndAParsableDefault() {
        assertTrue(Settings.all().size() > 50);
        for (Setting<?> setting : Settings.all()) {
            assertFalse(setting.description().isBlank(), setting.key());
            assertTrue(setting.environment().startsWith("BATON_"), setting.key());
        }
    }

    private Path file(String text) throws IOException {
        Path file = folder.resolve("baton.yaml");
        Files.writeString(file, text);
        return file;
    }

    private static BatonException fails(org.junit.jupiter.api.function.Executable action) {
        BatonException error = assertThrows(BatonException.class, action);
        assertEquals(ErrorCode.CONFIGURATION, error.code());
        return error;
    }
}
