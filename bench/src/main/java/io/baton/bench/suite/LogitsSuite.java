package io.baton.bench.suite;

import io.baton.bench.frame.Row;
import io.baton.bench.frame.Suite;
import io.baton.bench.frame.SuiteContext;
import io.baton.common.checkpoint.ModelFiles;
import io.baton.common.kv.KvDtype;
import io.baton.common.model.ModelFile;
import io.baton.engine.LogitsProbe;
import io.baton.engine.ModelWeights;
import io.baton.kernels.Activations;
import io.baton.kernels.Kernels;
import io.baton.kernels.KernelsProviders;
import io.baton.kernels.KernelsProviders.Preference;
import java.io.IOException;
import java.io.InputStream;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Locale;
import java.util.Set;
import java.util.zip.GZIPInputStream;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.ObjectMapper;

/**
 * Logits of given tokens by Baton's kernels, for {@code bench/oracle/model_compare.py}: for each
 * case of a golden file, the float32 logits of the positions that produce its tokens go to {@code
 * out/NNN.f32}. Also reports the largest difference to the golden file's own float32 logits.
 *
 * <p>Pass rule: with {@code kernels=reference} and {@code kv-dtype=f32} that difference is at most
 * 1e-2.
 */
public final class LogitsSuite implements Suite {
    private static final Set<String> OPTIONS =
            Set.of(
                    "model",
                    "cases",
                    "out",
                    "kernels",
                    "activations",
                    "kv-dtype",
                    "limit",
                    "steps",
                    "threads");
    private static final double TOLERANCE = 1e-2;

    @Override
    public String name() {
        return "logits";
    }

    @Override
    public String summary() {
        return "logits of a golden file's tokens, and their distance from float32; passes at <= 1e-2 for the reference";
    }

    @Override
    public boolean run(SuiteContext context) throws Exception {
        context.requireKnown(name(), OPTIONS);
        Preference preference =
                Preference.valueOf(
                        context.option("kernels").orElse("auto").toUpperCase(Locale.ROOT));
        Activations activations = Activations.named(context.option("activations").orElse("13bit"));
        KvDtype dtype =
                KvDtype.valueOf(context.option("kv-dtype").orElse("bf16").toUpperCase(Locale.ROOT));
        int threads =
                context.option("threads")
                        .map(Integer::parseInt)
                        .orElse(Runtime.getRuntime().availableProcessors());
        try (ModelFile model = ModelFiles.open(Path.of(required(context, "model")));
                Kernels kernels = KernelsProviders.choose(preference, threads, activations)) {
            ModelWeights weights = ModelWeights.load(kernels, model);
            return cases(context, weights, kernels, dtype);
        }
    }

    private static String required(SuiteContext context, String option) {
        return context.option(option)
                .orElseThrow(
                        () ->
                                new IllegalArgumentException(
                                        "the option " + option + "=... is wanted"));
    }

    private static boolean cases(
            SuiteContext context, ModelWeights weights, Kernels kernels, KvDtype dtype)
            throws IOException {
        JsonNode cases = read(Path.of(required(context, "cases"))).path("cases");
        int limit =
                context.option("limit")
                        .map(Integer::parseInt)
                        .orElse(context.quick() ? 4 : cases.size());
        int steps = context.option("steps").map(Integer::parseInt).orElse(Integer.MAX_VALUE);
        Path out = context.option("out").map(Path::of).orElse(null);
        if (out != null) {
            Files.createDirectories(out);
        }
        int count = Math.min(limit, cases.size());
        double[] worst = new double[count];
        double[] same = new double[count];
        for (int i = 0; i < count; i++) {
            Case golden = Case.of(cases.path(i), steps);
            Seen seen = new Seen(golden, out == null ? null : out.resolve("%03d.f32".formatted(i)));
            try (LogitsProbe probe =
                            new LogitsProbe(weights, kernels, dtype, golden.text().length);
                    seen) {
                probe.run(golden.text(), seen);
            }
            worst[i] = seen.worst;
            same[i] = seen.same;
            System.err.printf(
                    Locale.ROOT,
                    "case %d: largest difference %.3g, %d of %d greedy tokens%n",
                    i,
                    seen.worst,
                    seen.same,
                    golden.tokens().length);
        }
        String variant = kernels.profile().label() + " kv " + dtype.label();
        Row.Spread difference = Row.Spread.of(worst);
        context.results()
                .add(
                        new Row(
                                new Row.Name("logits", variant, "largest difference to float32"),
                                "logit",
                                difference,
                                null,
                                TOLERANCE,
                                "none"));
        context.results()
                .add(
                        new Row(
                                new Row.Name(
                                        "logits", variant, "greedy tokens equal, teacher-forced"),
                                "count",
                                Row.Spread.of(same),
                                null,
                                null,
                                "none"));
        return !kernels.profile().provider().equals("reference")
                || dtype != KvDtype.F32
                || difference.hi() <= TOLERANCE;
    }

    private static JsonNode read(Path file) throws IOException {
        try (InputStream in = new GZIPInputStream(Files.newInputStream(file))) {
            return new ObjectMapper().readTree(in);
        }
    }

    /**
     * @param text prompt and all tokens but the last
     * @param tokens what float32 chose, greedily
     * @param first position of the prompt's last token
     * @param firstLogits [id, logit] pairs after the prompt; empty for perplexity cases
     */
    private record Case(
            int[] text, int[] tokens, int first, JsonNode firstLogits, JsonNode lastLogits) {
        static Case of(JsonNode node, int steps) {
            int prompt = node.path("prompt").size();
            int count = Math.min(steps, node.path("tokens").size());
            int[] text = new int[prompt + count - 1];
            int[] tokens = new int[count];
            for (int i = 0; i < prompt; i++) {
                text[i] = node.path("prompt").path(i).asInt();
            }
            for (int i = 0; i < count; i++) {
                tokens[i] = node.path("tokens").path(i).asInt();
                if (i < count - 1) {
                    text[prompt + i] = tokens[i];
                }
            }
            boolean whole = count == node.path("tokens").size();
            return new Case(
                    text,
                    tokens,
                    prompt - 1,
                    node.path("first"),
                    whole ? node.path("last") : new ObjectMapper().createArrayNode());
        }
    }

    /** Compares rows with the golden file and writes them. */
    private static final class Seen implements LogitsProbe.RowConsumer, AutoCloseable {
        private final Case golden;
        private final @org.jspecify.annotations.Nullable FileChannel file;
        double worst;
        int same;

        Seen(Case golden, @org.jspecify.annotations.Nullable Path out) throws IOException {
            this.golden = golden;
            file =
                    out == null
                            ? null
                            : FileChannel.open(
                                    out,
                                    StandardOpenOption.CREATE,
                                    StandardOpenOption.WRITE,
                                    StandardOpenOption.TRUNCATE_EXISTING);
        }

        @Override
        public void accept(int position, MemorySegment logits) {
            int step = position - golden.first();
            if (step < 0) {
                return;
            }
            if (step == 0) {
                compare(golden.firstLogits(), logits);
            }
            if (step == golden.tokens().length - 1) {
                compare(golden.lastLogits(), logits);
            }
            if (argmax(logits) == golden.tokens()[step]) {
                same++;
            }
            if (file != null) {
                try {
                    file.write(logits.asByteBuffer());
                } catch (IOException e) {
                    throw new java.io.UncheckedIOException("cannot write logits", e);
                }
            }
        }

        private void compare(JsonNode pairs, MemorySegment logits) {
            for (JsonNode pair : pairs) {
                float ours = logits.getAtIndex(ValueLayout.JAVA_FLOAT, pair.path(0).asInt());
                worst = Math.max(worst, Math.abs(ours - pair.path(1).asDouble()));
            }
        }

        private static int argmax(MemorySegment logits) {
            int best = 0;
            float value = Float.NEGATIVE_INFINITY;
            long count = logits.byteSize() / Float.BYTES;
            for (int i = 0; i < count; i++) {
                float candidate = logits.getAtIndex(ValueLayout.JAVA_FLOAT, i);
                if (candidate > value) {
                    value = candidate;
                    best = i;
                }
            }
            return best;
        }

        @Override
        public void close() throws IOException {
            if (file != null) {
                file.close();
            }
        }
    }
}
