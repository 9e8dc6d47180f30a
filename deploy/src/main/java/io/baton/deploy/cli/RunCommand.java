package io.baton.deploy.cli;

import io.baton.bench.client.OpenAiClient;
import io.baton.common.config.Configuration;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Parameters;

/** {@code baton run PROMPT}: one answer, streamed to stdout. */
@Command(name = "run", description = "Answers one prompt in the terminal.")
final class RunCommand extends Configured {
    @Parameters(
            paramLabel = "PROMPT",
            arity = "1..*",
            description = "What to ask; words are joined.")
    private List<String> words = List.of();

    @Mixin private Target target = new Target();

    @Override
    public Integer call() throws Exception {
        Configuration configuration = configuration(Target.QUIET);
        try (Target.Server server = target.open(configuration);
                OpenAiClient client = new OpenAiClient(server.url(), target.apiKey)) {
            String prompt = String.join(" ", words);
            String model = server.model(client);
            OpenAiClient.Answer answer =
                    target.completion
                            ? Conversation.complete(client, model, target.parameters(), prompt)
                            : new Conversation(client, model, target.parameters(), target.system)
                                    .ask(prompt, System.out);
            System.err.println(Conversation.figures(answer));
        }
        return ExitCode.OK;
    }

    /** Which server to talk to, and how: shared by {@code run} and {@code chat}. */
    static final class Target {
        /** A cluster that serves one terminal: any free ports, and silence. */
        static final Map<String, String> QUIET =
                Map.of("http.port", "0", "router.control-port", "0", "log.level", "warn");

        @picocli.CommandLine.Option(
                names = "--url",
                paramLabel = "URL",
                description = "A running server; without it one is started for this call.")
        @Nullable String url;

        @picocli.CommandLine.Option(
                names = "--key",
                paramLabel = "KEY",
                description = "API key of that server (env: OPENAI_API_KEY).",
                defaultValue = "${env:OPENAI_API_KEY}")
        @Nullable String apiKey;

        @picocli.CommandLine.Option(
                names = "--system",
                paramLabel = "TEXT",
                description = "System message.",
                defaultValue = "You are a helpful AI assistant.")
        String system = "";

        @picocli.CommandLine.Option(
                names = "--completion",
                description = "Continue the text instead of answering it: for base models.")
        boolean completion;

        @picocli.CommandLine.Option(
                names = "--max-tokens",
                paramLabel = "N",
                description = "Longest answer (default: ${DEFAULT-VALUE}).",
                defaultValue = "512")
        int maxTokens;

        @picocli.CommandLine.Option(
                names = "--temperature",
                paramLabel = "T",
                description = "0 always takes the likeliest token (default: ${DEFAULT-VALUE}).",
                defaultValue = "0")
        double temperature;

        Map<String, Object> parameters() {
            Map<String, Object> parameters = new LinkedHashMap<>();
            parameters.put("max_tokens", maxTokens);
            parameters.put("temperature", temperature);
            return parameters;
        }

        /** The server that the flags name, or one started for this call. */
        Server open(Configuration configuration) throws Exception {
            if (url != null) {
                return new Server(java.net.URI.create(url), null);
            }
            LocalCluster cluster = LocalCluster.start(configuration, Progress.onTerminal());
            return new Server(cluster.url(), cluster);
        }

        /** A server to talk to; closing it ends one that was started here. */
        record Server(java.net.URI url, @Nullable LocalCluster cluster) implements AutoCloseable {
            String model(OpenAiClient client) throws Exception {
                return client.get("/v1/models").path("data").path(0).path("id").asString();
            }

            @Override
            public void close() {
                if (cluster != null) {
                    cluster.close();
                }
            }
        }
    }
}
