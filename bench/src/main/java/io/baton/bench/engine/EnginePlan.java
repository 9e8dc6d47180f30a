package io.baton.bench.engine;

import io.baton.bench.frame.SuiteContext;
import io.baton.common.model.ModelStore;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/**
 * What a run of the suite measures, from its options.
 *
 * @param models files with the names under which they are reported
 * @param threads numbers of threads, one after the other
 * @param cases prefill and decode cases
 * @param sampling rounds, steps and sizes
 * @param ours options of our subject
 * @param profile whether shares of time are reported
 * @param foreign whether decode is also measured beside a foreign load
 */
record EnginePlan(
        List<Model> models,
        List<Integer> threads,
        List<Case> cases,
        Sampling sampling,
        Ours ours,
        boolean profile,
        boolean foreign) {
    private static final Set<String> OPTIONS =
            Set.of(
                    "models",
                    "threads",
                    "prefill",
                    "decode",
                    "depth",
                    "steps",
                    "budget-seconds",
                    "rounds",
                    "kernels",
                    "activations",
                    "kv-dtype",
                    "step-tokens",
                    "profile",
                    "foreign",
                    "llama-python",
                    "node-llama",
                    "ik-python",
                    "vllm-python",
                    "vllm-model",
                    "vllm-beside");

    record Model(String name, Path file) {}

    /**
     * @param depth positions that are filled before decode begins
     * @param minSteps steps of one measurement of decode, whatever they take
     * @param maxSteps steps of one measurement of decode, if {@code budgetSeconds} allow
     */
    record Sampling(int rounds, int depth, int minSteps, int maxSteps, double budgetSeconds) {}

    record Ours(String kernels, String activations, String kvDtype, int stepTokens) {}

    static EnginePlan of(SuiteContext context) {
        context.requireKnown("engine", OPTIONS);
        boolean quick = context.quick();
        List<Case> cases = new ArrayList<>();
        for (int tokens : numbers(context, "prefill", quick ? "128" : "128,512,2048")) {
            cases.add(new Case.Prefill(tokens));
        }
        for (int batch : numbers(context, "decode", quick ? "1,8" : "1,2,4,8,16")) {
            cases.add(new Case.Decode(batch));
        }
        List<Model> models = new ArrayList<>();
        for (String name : context.option("models").orElse("smollm2-135m,gemma3-270m").split(",")) {
            models.add(model(name));
        }
        int steps = number(context, "steps", quick ? 8 : 32);
        return new EnginePlan(
                List.copyOf(models),
                numbers(context, "threads", "1,2"),
                List.copyOf(cases),
                new Sampling(
                        number(context, "rounds", quick ? 2 : 5),
                        number(context, "depth", 128),
                        Math.min(4, steps),
                        steps,
                        context.option("budget-seconds").map(Double::parseDouble).orElse(2.0)),
                new Ours(
                        context.option("kernels").orElse("auto"),
                        context.option("activations").orElse("13bit"),
                        context.option("kv-dtype").orElse("bf16"),
                        number(context, "step-tokens", 512)),
                flag(context, "profile"),
                flag(context, "foreign"));
    }

    int maxPrefill() {
        return cases.stream()
                .mapToInt(one -> one instanceof Case.Prefill prefill ? prefill.tokens() : 0)
                .reduce(LogitsCheck.TOKENS, Math::max);
    }

    int maxBatch() {
        return cases.stream()
                .mapToInt(one -> one instanceof Case.Decode decode ? decode.batch() : 0)
                .reduce(1, Math::max);
    }

    int maxDecode() {
        return sampling.depth() + sampling.maxSteps();
    }

    private static Model model(String reference) {
        Path file =
                ModelStore.ofUser(System.getenv(), Path.of(System.getProperty("user.home")))
                        .resolve(reference)
                        .path();
        Path name = Optional.ofNullable(Path.of(reference).getFileName()).orElse(file);
        return new Model(name.toString().replaceAll("\\.gguf$", ""), file);
    }

    private static List<Integer> numbers(SuiteContext context, String option, String otherwise) {
        String list = context.option(option).orElse(otherwise);
        return list.isEmpty()
                ? List.of()
                : Arrays.stream(list.split(",")).map(Integer::valueOf).toList();
    }

    private static int number(SuiteContext context, String option, int otherwise) {
        return context.option(option).map(Integer::parseInt).orElse(otherwise);
    }

    private static boolean flag(SuiteContext context, String option) {
        return context.option(option).map(Boolean::parseBoolean).orElse(false);
    }
}
