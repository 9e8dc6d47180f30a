package io.baton.deploy.cli;

import io.baton.bench.client.OpenAiClient;
import io.baton.common.config.ClusterSettings;
import io.baton.common.config.Configuration;
import io.baton.common.config.DiagnosticSettings;
import io.baton.common.config.HttpSettings;
import io.baton.common.config.ModelSettings;
import io.baton.common.error.BatonException;
import io.baton.common.error.ErrorCode;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;

/**
 * {@code baton prepare}: starts and serves the demo model on free ports of this machine, in both
 * shapes, and ends. The launcher runs it in a JVM that records an AOT cache. No setting of the user
 * takes part: the cache serves all later starts.
 */
@Command(
        name = "prepare",
        description = "Makes later starts faster: Java keeps what it learns in a short run.")
final class PrepareCommand implements Callable<Integer> {
    private static final int TOKENS = 16;

    @Override
    public Integer call() throws Exception {
        for (boolean colocated : new boolean[] {true, false}) {
            serve(configuration(colocated));
        }
        return ExitCode.OK;
    }

    private static Configuration configuration(boolean colocated) {
        return Configuration.of(
                Map.of(
                        ModelSettings.DEMO.key(), "true",
                        HttpSettings.PORT.key(), "0",
                        ClusterSettings.ROUTER_CONTROL_PORT.key(), "0",
                        ClusterSettings.ROLE_COLOCATED.key(), String.valueOf(colocated),
                        DiagnosticSettings.LOG_LEVEL.key(), "warn"));
    }

    private static void serve(Configuration configuration) throws Exception {
        Logging.configure(configuration);
        try (LocalCluster cluster = LocalCluster.start(configuration, Progress.onTerminal());
                OpenAiClient client = new OpenAiClient(cluster.url(), null)) {
            String model = cluster.block().model();
            Map<String, Object> completion =
                    Map.of("model", model, "prompt", "The capital", "max_tokens", TOKENS);
            client.post("/v1/completions", completion);
            check(client.stream("/v1/completions", completion, text -> {}));
            List<Map<String, String>> messages =
                    List.of(Map.of("role", "user", "content", "Hello"));
            Map<String, Object> chat =
                    Map.of("model", model, "messages", messages, "max_tokens", TOKENS);
            check(client.stream("/v1/chat/completions", chat, text -> {}));
        }
    }

    private static void check(OpenAiClient.Answer answer) {
        if (answer.error() != null) {
            throw new BatonException(
                    ErrorCode.NO_WORKER, "the demo model did not answer: " + answer.error());
        }
    }
}
