package io.baton.router.http;

import static io.baton.router.fake.TestCluster.chat;
import static io.baton.router.fake.TestCluster.json;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.baton.common.proto.Sampling;
import io.baton.router.RouterOptions;
import io.baton.router.fake.FakeModel;
import io.baton.router.fake.TestCluster;
import io.baton.router.registry.ServedText;
import java.nio.file.Path;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;

/** What workers are told of sampling where a request, the model, or neither says something. */
class RecommendedSamplingTest {
    @TempDir Path state;

    private static Sampling told(TestCluster cluster, String fields) throws Exception {
        assertEquals(
                200, cluster.post("/v1/chat/completions", chat(2, fields)).statusCode(), fields);
        return cluster.worker("w").nextDecode().spec().getSampling();
    }

    @Test
    void theModelsOwnWhereTheRequestSaysNothing() throws Exception {
        try (TestCluster cluster = TestCluster.colocated(state)) {
            Sampling silent = told(cluster, "");
            assertEquals(FakeModel.TEMPERATURE, silent.getTemperature());
            assertEquals(FakeModel.MIN_P, silent.getMinP());
            assertEquals(1f, silent.getTopP(), "nobody said it");
            Sampling said = told(cluster, "\"temperature\":0,\"min_p\":0,\"top_p\":0.5");
            assertEquals(0f, said.getTemperature());
            assertEquals(0f, said.getMinP());
            assertEquals(0.5f, said.getTopP());
            JsonNode shown =
                    json(cluster.get("/v1/models").body()).at("/data/0/default_sampling_params");
            assertEquals("{\"temperature\":0.6,\"min_p\":0.05}", shown.toString());
        }
    }

    @Test
    void noneOfItWhereTheOperatorSaysSo() throws Exception {
        try (TestCluster cluster =
                TestCluster.colocated(state, RecommendedSamplingTest::withoutRecommendations)) {
            assertEquals(1f, told(cluster, "").getTemperature());
            assertEquals(0f, told(cluster, "").getMinP());
            assertTrue(
                    json(cluster.get("/v1/models").body())
                            .at("/data/0/default_sampling_params")
                            .isEmpty());
        }
    }

    private static RouterOptions withoutRecommendations(RouterOptions options) {
        RouterOptions.Http http = options.http();
        return new RouterOptions(
                new RouterOptions.Http(
                        http.host(),
                        http.port(),
                        http.limits(),
                        new ServedText.Wishes(Optional.empty(), false)),
                options.access(),
                options.cluster(),
                options.route(),
                options.work(),
                options.drain());
    }
}
