package io.baton.bench.engine;

import io.baton.bench.engine.EnginePlan.Model;
import io.baton.bench.engine.child.EngineProcess;
import io.baton.bench.frame.SuiteContext;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * The commands of our subject and of its peers. A peer is measured where its option says where it
 * is: {@code llama-python}, {@code node-llama} (beside it), {@code ik-python}, {@code vllm-python}
 * with {@code vllm-model}. llama.cpp and its kin read GGUF files only: a checkpoint folder is
 * measured without them.
 */
final class Lineup {
    private static final String LLAMA = "llama-python";
    private static final String VLLM_MODEL = "smollm2-135m";

    private final SuiteContext context;
    private final EnginePlan plan;
    private final Path scripts;

    /**
     * @param sameWeights whether it runs our file, so that its logits must be like ours
     */
    record Peer(String label, boolean sameWeights, List<String> command) {}

    Lineup(SuiteContext context, EnginePlan plan, Path root) {
        this.context = context;
        this.plan = plan;
        this.scripts = root.resolve("bench/oracle");
    }

    List<String> ours(Model model, int threads) {
        return Subject.java(
                EngineProcess.class,
                "model=" + model.file(),
                "threads=" + threads,
                "kernels=" + plan.ours().kernels(),
                "activations=" + plan.ours().activations(),
                "kv-dtype=" + plan.ours().kvDtype(),
                "step-tokens=" + plan.ours().stepTokens(),
                "max-prefill=" + plan.maxPrefill(),
                "max-batch=" + plan.maxBatch(),
                "max-decode=" + plan.maxDecode());
    }

    List<Peer> peers(Model model, int threads) {
        List<Peer> peers = new ArrayList<>();
        llama(peers, "llama", context.option(LLAMA).orElse(null), model, threads);
        context.option("node-llama")
                .ifPresent(
                        folder ->
                                llama(
                                        peers,
                                        "node",
                                        context.option(LLAMA).orElse(null),
                                        model,
                                        threads,
                                        "--lib",
                                        folder));
        llama(peers, "ik", context.option("ik-python").orElse(null), model, threads);
        Optional<String> vllm = context.option("vllm-python");
        Optional<String> folder = context.option("vllm-model");
        boolean beside = model.name().equals(context.option("vllm-beside").orElse(VLLM_MODEL));
        if (vllm.isPresent() && folder.isPresent() && beside) {
            peers.add(
                    new Peer(
                            "vllm",
                            false,
                            List.of(
                                    vllm.get(),
                                    scripts.resolve("engine_vllm.py").toString(),
                                    "--model",
                                    folder.get(),
                                    "--threads",
                                    String.valueOf(threads),
                                    "--max-prefill",
                                    String.valueOf(plan.maxPrefill()))));
        }
        return peers;
    }

    /** Peers for which no option was given, for the log. */
    List<String> absent() {
        List<String> absent = new ArrayList<>();
        for (String option : List.of(LLAMA, "node-llama", "ik-python", "vllm-python")) {
            if (context.option(option).isEmpty()) {
                absent.add(option);
            }
        }
        return absent;
    }

    private void llama(
            List<Peer> peers,
            String flavour,
            @Nullable String python,
            Model model,
            int threads,
            String... more) {
        if (python == null || Files.isDirectory(model.file())) {
            return;
        }
        List<String> command =
                new ArrayList<>(
                        List.of(
                                python,
                                scripts.resolve("engine_llama.py").toString(),
                                "--flavour",
                                flavour,
                                "--gguf",
                                model.file().toString(),
                                "--threads",
                                String.valueOf(threads),
                                "--max-prefill",
                                String.valueOf(plan.maxPrefill())));
        command.addAll(List.of(more));
        peers.add(new Peer(flavour, true, List.copyOf(command)));
    }
}
