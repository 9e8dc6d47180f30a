package io.baton.router.http;

import static io.baton.router.fake.TestCluster.chat;
import static io.baton.router.fake.TestCluster.json;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.baton.router.RouterOptions;
import io.baton.router.fake.TestCluster;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class AccessTest {
    private static RouterOptions withKeys(RouterOptions options, Optional<String> admin) {
        return new RouterOptions(
                options.http(),
                new RouterOptions.Access(
                        List.of("first-key", "second-key"),
                        admin.isPresent(),
                        admin,
                        Optional.empty(),
                        options.access().stateFolder(),
                        List.of()),
                options.cluster(),
                options.route(),
                options.work(),
                options.drain());
    }

    private static int status(TestCluster cluster, String path, String... headers)
            throws Exception {
        HttpRequest.Builder request = cluster.request(path);
        for (int i = 0; i < headers.length; i += 2) {
            request.header(headers[i], headers[i + 1]);
        }
        return cluster.send(request.GET().build()).statusCode();
    }

    @Test
    void everythingButProbesNeedsAKey(@TempDir Path state) throws Exception {
        try (TestCluster cluster =
                TestCluster.colocated(state, o -> withKeys(o, Optional.empty()))) {
            for (String path : List.of("/v1/models", "/metrics", "/admin/workers")) {
                assertEquals(401, status(cluster, path), path);
                assertEquals(401, status(cluster, path, "Authorization", "Bearer first-kez"));
                assertEquals(401, status(cluster, path, "Authorization", "Basic first-key"));
                assertEquals(401, status(cluster, path, "X-Api-Key", "first-key2"));
                assertEquals(401, status(cluster, path, "X-Api-Key", ""));
                assertEquals(200, status(cluster, path, "Authorization", "Bearer first-key"));
                assertEquals(200, status(cluster, path, "Authorization", "bearer second-key"));
                assertEquals(200, status(cluster, path, "X-Api-Key", "second-key"));
            }
            for (String path : List.of("/health", "/livez", "/readyz", "/version")) {
                assertEquals(200, status(cluster, path), path);
            }
            HttpResponse<String> refused = cluster.post("/v1/chat/completions", chat(1, ""));
            assertEquals(401, refused.statusCode());
            assertEquals(
                    "authentication_error", json(refused.body()).at("/error/type").stringValue());
            assertEquals("invalid_api_key", json(refused.body()).at("/error/code").stringValue());
            assertTrue(refused.headers().firstValue("www-authenticate").isPresent());
            assertEquals(400, status(cluster, "/v1/models?api_key=first-key"));
        }
    }

    @Test
    void eachKeyIsATenantOfItsOwn(@TempDir Path state) throws Exception {
        try (TestCluster cluster =
                TestCluster.colocated(state, o -> withKeys(o, Optional.empty()))) {
            for (String key : List.of("first-key", "second-key")) {
                cluster.send(
                        cluster.request("/v1/chat/completions")
                                .header("X-Api-Key", key)
                                .POST(BodyPublishers.ofString(chat(1, "")))
                                .build());
            }
            assertFalse(
                    cluster.worker("w")
                            .nextDecode()
                            .spec()
                            .getTenantSalt()
                            .equals(cluster.worker("w").nextDecode().spec().getTenantSalt()));
        }
    }

    @Test
    void theAdminTokenGuardsAdminAndMetricsCanBeOpen(@TempDir Path state) throws Exception {
        try (TestCluster cluster =
                TestCluster.start(state, o -> withKeys(o, Optional.of("admin-token")))) {
            assertEquals(401, status(cluster, "/admin/workers", "X-Api-Key", "first-key"));
            assertEquals(200, status(cluster, "/admin/workers", "X-Api-Key", "admin-token"));
            assertEquals(200, status(cluster, "/metrics"), "metrics are open here");
        }
    }

    @Test
    void pagesOfThisMachineMayCall(@TempDir Path state) throws Exception {
        try (TestCluster cluster = TestCluster.start(state, o -> withKeys(o, Optional.empty()))) {
            HttpRequest preflight =
                    cluster.request("/v1/chat/completions")
                            .header("Origin", "http://localhost:3000")
                            .method("OPTIONS", BodyPublishers.noBody())
                            .build();
            HttpResponse<String> answer = cluster.send(preflight);
            assertEquals(200, answer.statusCode());
            assertEquals(
                    "http://localhost:3000",
                    answer.headers().firstValue("access-control-allow-origin").orElseThrow());
            HttpResponse<String> foreign =
                    cluster.send(
                            cluster.request("/livez")
                                    .header("Origin", "http://evil.example")
                                    .GET()
                                    .build());
            assertTrue(foreign.headers().firstValue("access-control-allow-origin").isEmpty());
        }
    }
}
