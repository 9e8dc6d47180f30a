package io.baton.deploy.cli;

import io.baton.common.config.Configuration;
import io.baton.common.config.KvSettings;
import io.baton.common.kv.KvLayout;
import io.baton.engine.EngineOptions;
import io.baton.engine.ModelConfig;
import java.io.IOException;
import java.io.PrintStream;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import tools.jackson.databind.ObjectMapper;

/**
 * The short block that {@code up} prints when it serves.
 *
 * @param model served name
 * @param kernels provider and why it was chosen
 * @param pool KV pool of each worker, in words
 * @param roles what runs where
 * @param url base URL
 */
record StartupBlock(String model, String kernels, String pool, List<Role> roles, URI url) {
    /** A role, where it listens, and its process. */
    record Role(String name, String address, long pid) {}

    StartupBlock {
        roles = List.copyOf(roles);
    }

    /** The pool's size in tokens, blocks and bytes. */
    static String pool(Configuration configuration, ModelConfig model) {
        KvLayout layout =
                model.kvLayout(configuration.get(KvSettings.DTYPE), EngineOptions.BLOCK_TOKENS);
        long blocks =
                configuration
                        .get(KvSettings.POOL)
                        .blocks(layout.blockBytes(), EngineOptions.BLOCK_TOKENS);
        return "%,d tokens a worker (%,d blocks of %d, %s, %d MiB)"
                .formatted(
                        blocks * EngineOptions.BLOCK_TOKENS,
                        blocks,
                        EngineOptions.BLOCK_TOKENS,
                        layout.dtype().label(),
                        blocks * layout.blockBytes() >> 20);
    }

    void print(PrintStream out) {
        boolean colours = Main.colours();
        String bold = colours ? "\u001b[1m" : "";
        String plain = colours ? "\u001b[0m" : "";
        out.println();
        out.println(bold + "baton " + Version.text() + plain);
        out.println("  model    " + model);
        out.println("  kernels  " + kernels);
        out.println("  KV pool  " + pool);
        for (Role role : roles) {
            out.printf("  %-8s %s%n", role.name(), role.address());
        }
        out.println("  url      " + bold + url + "/v1" + plain);
        out.println();
        out.println(
                "curl " + url + "/v1/chat/completions -H 'Content-Type: application/json' -d '{");
        out.println(
                "  \"messages\": [{\"role\": \"system\", \"content\": \"You are a helpful AI assistant.\"},");
        out.println(
                "               {\"role\": \"user\", \"content\": \"What is the capital of France?\"}],");
        out.println("  \"temperature\": 0}'");
        out.println();
        out.flush();
    }

    /** Writes URL and processes as JSON, for scripts; the file appears whole. */
    void write(Path file) throws IOException {
        Map<String, Object> status = new LinkedHashMap<>();
        status.put("url", url.toString());
        status.put("model", model);
        List<Map<String, Object>> processes = new ArrayList<>();
        for (Role role : roles) {
            processes.add(
                    Map.of("role", role.name(), "address", role.address(), "pid", role.pid()));
        }
        status.put("processes", processes);
        Path part = file.resolveSibling(file.getFileName() + ".part");
        Files.writeString(part, new ObjectMapper().writeValueAsString(status));
        Files.move(part, file, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
    }
}
