package io.baton.router;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.baton.common.config.Configuration;
import io.baton.common.error.BatonException;
import io.baton.common.error.ErrorCode;
import java.nio.file.Path;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class RouterOptionsTest {
    @Test
    void defaultsListenOnLoopbackWithoutKeys() {
        RouterOptions options = RouterOptions.from(Configuration.of(Map.of()));
        assertEquals("127.0.0.1", options.http().host());
        assertEquals(8000, options.http().port());
        assertEquals("127.0.0.1", options.cluster().host());
        assertTrue(options.access().apiKeys().isEmpty());
        assertFalse(options.cluster().token().isSet());
        assertEquals(10_000_000_000L, options.http().limits().headerNanos());
        assertEquals(3, options.work().maxAttempts());
    }

    @Test
    void workersFromTheNetworkNeedAToken(@TempDir Path state) {
        RouterOptions local =
                RouterOptions.from(
                        Configuration.of(
                                Map.of("http.port", "0", "state.folder", state.toString())));
        RouterOptions open =
                new RouterOptions(
                        local.http(),
                        local.access(),
                        new RouterOptions.Cluster(
                                "0.0.0.0",
                                0,
                                local.cluster().token(),
                                local.cluster().heartbeat(),
                                local.cluster().lease(),
                                local.cluster().callStall()),
                        local.route(),
                        local.work(),
                        local.drain());
        BatonException e = assertThrows(BatonException.class, () -> RouterServer.start(open));
        assertEquals(ErrorCode.CONFIGURATION, e.code());
        assertTrue(e.text().contains("cluster.token"), e.text());
    }
}
