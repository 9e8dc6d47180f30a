package io.baton.deploy.cli;

import io.baton.bench.client.OpenAiClient;
import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;

/** {@code baton chat}: a conversation in the terminal. */
@Command(name = "chat", description = "Holds a conversation in the terminal; /bye ends it.")
final class ChatCommand extends Configured {
    @Mixin private RunCommand.Target target = new RunCommand.Target();

    @Override
    public Integer call() throws Exception {
        try (RunCommand.Target.Server server = target.open(configuration(RunCommand.Target.QUIET));
                OpenAiClient client = new OpenAiClient(server.url(), target.apiKey)) {
            new Conversation(client, server.model(client), target.parameters(), target.system)
                    .loop(
                            new BufferedReader(
                                    new InputStreamReader(System.in, StandardCharsets.UTF_8)),
                            System.out,
                            System.err);
        }
        return ExitCode.OK;
    }
}
