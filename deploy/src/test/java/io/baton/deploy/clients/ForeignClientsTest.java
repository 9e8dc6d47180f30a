package io.baton.deploy.clients;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.baton.deploy.DemoCluster;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

/**
 * The official Python and npm clients, where {@code .ci/run} (or a contributor) has installed them.
 */
@ExtendWith(DemoCluster.class)
class ForeignClientsTest {
    private static final Path ROOT = Path.of(System.getProperty("baton.root", ".."));
    private static final Path CLIENTS = ROOT.resolve("deploy/target/clients");

    @Test
    void python(DemoCluster cluster) throws Exception {
        Path python = CLIENTS.resolve("python/bin/python");
        assumeInstalled(python);
        run(
                cluster,
                ROOT,
                python.toString(),
                ROOT.resolve("deploy/src/test/clients/conversation.py").toString());
    }

    @Test
    void npm(DemoCluster cluster) throws Exception {
        assumeInstalled(CLIENTS.resolve("node_modules/openai"));
        Path script = CLIENTS.resolve("conversation.mjs");
        Files.writeString(
                script, Files.readString(ROOT.resolve("deploy/src/test/clients/conversation.mjs")));
        run(cluster, CLIENTS, "node", script.toString());
    }

    private static void assumeInstalled(Path path) {
        if (!Files.exists(path)) {
            System.err.println("SKIPPED: " + path + " is not installed; .ci/run installs it");
        }
        assumeTrue(Files.exists(path), path + " is not installed");
    }

    private static void run(DemoCluster cluster, Path folder, String... command) throws Exception {
        List<String> all = new java.util.ArrayList<>(List.of(command));
        all.add(cluster.url());
        Process process =
                new ProcessBuilder(all)
                        .directory(folder.toFile())
                        .redirectErrorStream(true)
                        .start();
        String text = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        assertEquals(0, process.waitFor(), text);
        assertEquals("ok", text.strip().lines().reduce((a, b) -> b).orElse(""), text);
        cluster.awaitIdle();
    }
}
