package io.baton.deploy.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertSame;

import io.baton.common.config.ClusterSettings;
import io.baton.common.config.Configuration;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.util.Map;
import org.junit.jupiter.api.Test;

class UpCommandTest {
    @Test
    void aTakenControlPortThatNobodyAskedForIsReplacedByAFreeOne() throws IOException {
        Configuration usual = Configuration.of(Map.of());
        int port = usual.get(ClusterSettings.ROUTER_CONTROL_PORT);
        try (ServerSocket taken = new ServerSocket()) {
            try {
                taken.bind(new InetSocketAddress("127.0.0.1", port));
            } catch (IOException e) {
                // Someone else has it already: taken all the same.
                assertEquals(-1, taken.getLocalPort());
            }
            Configuration free = UpCommand.withFreeControlPort(usual);
            assertEquals(0, free.get(ClusterSettings.ROUTER_CONTROL_PORT));
            Configuration asked =
                    Configuration.of(Map.of("router.control-port", String.valueOf(port)));
            assertSame(asked, UpCommand.withFreeControlPort(asked));
        }
    }
}
