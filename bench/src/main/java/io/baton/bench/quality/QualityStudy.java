package io.baton.bench.quality;

import io.baton.bench.frame.Row;
import io.baton.bench.frame.SuiteContext;
import io.baton.bench.plot.LineChart;
import io.baton.common.checkpoint.ModelFiles;
import io.baton.common.model.ModelFile;
import io.baton.common.model.ModelStore;
import io.baton.common.text.Tokenizer;
import io.baton.common.text.Tokenizers;
import io.baton.engine.ModelWeights;
import io.baton.kernels.Kernels;
import io.baton.kernels.KernelsProviders;
import io.baton.kernels.KernelsProviders.Preference;
import io.baton.kv.codec.KvCodec;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/**
 * {@code bench codec --quality}: size against harm of every lossy codec and level, over kinds of
 * text that the user names. Every byte of a part is counted; the profile, one for a model, is not.
 *
 * <p>Pass rule: {@code klt} is at least {@value #KLT_RATIO} times smaller over all texts where its
 * mean divergence is {@value #KL} (or {@code kl-limit=}), between the two levels around it.
 */
public final class QualityStudy {
    private static final Set<String> OPTIONS =
            Set.of(
                    "quality",
                    "models",
                    "profile",
                    "texts",
                    "documents",
                    "prefix",
                    "scored",
                    "codecs",
                    "levels",
                    "kl-limit",
                    "plot",
                    "threads");

    private static final double KLT_RATIO = 7;
    private static final double KL = 0.01;
    private static final String ALL = "all";

    private final SuiteContext context;

    public QualityStudy(SuiteContext context) {
        this.context = context;
    }

    /** Runs the study of one model. */
    public boolean run() throws IOException {
        context.requireKnown("codec --quality", OPTIONS);
        String model = context.option("models").orElse("smollm2-135m");
        Path path =
                ModelStore.ofUser(System.getenv(), Path.of(System.getProperty("user.home")))
                        .resolve(model)
                        .path();
        List<TextKind> kinds =
                TextKind.parse(
                        context.option("texts")
                                .orElseThrow(
                                        () ->
                                                new IllegalArgumentException(
                                                        "name texts: --set texts=kind=path,kind=path")));
        try (ModelFile file = ModelFiles.open(path);
                Kernels kernels =
                        KernelsProviders.choose(
                                Preference.AUTO,
                                number("threads", Runtime.getRuntime().availableProcessors()))) {
            ModelWeights weights = ModelWeights.load(kernels, file);
            List<Coding> codings = codings(file);
            Map<String, List<Harm>> harms = new LinkedHashMap<>();
            try (PairedModel paired =
                    new PairedModel(
                            weights,
                            kernels,
                            codings,
                            number("prefix", 1536),
                            number("scored", 256))) {
                for (TextKind kind : kinds) {
                    harms.put(kind.name(), score(kind, Tokenizers.of(file), paired, codings));
                }
            }
            harms.put(ALL, sum(harms.values(), codings.size()));
            report(model, codings, harms);
            return passes(codings, harms.getOrDefault(ALL, List.of()));
        }
    }

    private int number(String option, int otherwise) {
        return context.option(option).map(Integer::parseInt).orElse(otherwise);
    }

    private List<Coding> codings(ModelFile model) throws IOException {
        GivenProfiles given = GivenProfiles.of(context);
        Set<String> wanted =
                Set.of(context.option("codecs").orElse("klt,cachegen,int8").split(","));
        List<Coding> codings = new ArrayList<>();
        for (KvCodec codec : given.codecs()) {
            if (!wanted.contains(codec.name())) {
                continue;
            }
            Optional<Long> profile = given.profileFor(codec, model);
            if (profile.isPresent()) {
                for (int level : levels(codec)) {
                    codings.add(new Coding(codec, new KvCodec.Setting(level, profile.get())));
                }
            }
        }
        return codings;
    }

    private List<Integer> levels(KvCodec codec) {
        List<Integer> levels = new ArrayList<>();
        String wanted = context.option("levels").orElse("");
        for (int level = 0; level <= codec.maxLevel(); level++) {
            if (wanted.isEmpty() || List.of(wanted.split("\\+")).contains("" + level)) {
                levels.add(level);
            }
        }
        return levels;
    }

    private List<Harm> score(
            TextKind kind, Tokenizer tokenizer, PairedModel paired, List<Coding> codings)
            throws IOException {
        int tokens = number("prefix", 1536) + number("scored", 256);
        List<int[]> texts =
                kind.texts(tokenizer, tokens, number("documents", context.quick() ? 1 : 8));
        System.err.printf("%s: %d texts of %d tokens%n", kind.name(), texts.size(), tokens);
        List<Harm> harms = new ArrayList<>();
        for (int i = 0; i < codings.size(); i++) {
            harms.add(new Harm());
        }
        for (int[] text : texts) {
            paired.run(text, harms);
        }
        return harms;
    }

    private static List<Harm> sum(Iterable<List<Harm>> kinds, int count) {
        List<Harm> sums = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            Harm sum = new Harm();
            for (List<Harm> harms : kinds) {
                sum.add(harms.get(i));
            }
            sums.add(sum);
        }
        return sums;
    }

    private void report(String model, List<Coding> codings, Map<String, List<Harm>> harms)
            throws IOException {
        for (Map.Entry<String, List<Harm>> kind : harms.entrySet()) {
            for (int i = 0; i < codings.size(); i++) {
                Harm harm = kind.getValue().get(i);
                if (harm.tokens() == 0) {
                    continue;
                }
                String testCase = "%s %s %s".formatted(model, kind.getKey(), codings.get(i).name());
                System.err.println(testCase + ": " + harm);
                row(testCase, "size, raw to coded", "x", harm.ratio());
                row(testCase, "mean KL to exact", "nat", harm.kl());
                row(testCase, "perplexity change", "%", 100 * harm.perplexity());
                row(testCase, "top-1 agreement", "share", harm.top1());
                row(testCase, "largest gap where top-1 differs", "nat", harm.gap());
                row(testCase, "scored", "tokens", harm.tokens());
            }
        }
        List<Harm> all = harms.getOrDefault(ALL, List.of());
        for (String codec : codings.stream().map(of -> of.codec().name()).distinct().toList()) {
            for (double limit : new double[] {0.001, 0.01, 0.02}) {
                double ratio = ratioAt(codec, limit, codings, all);
                if (ratio > 0) {
                    String metric = "size at mean KL %s, between levels".formatted(limit);
                    row("%s %s %s".formatted(model, ALL, codec), metric, "x", ratio);
                }
            }
        }
        if (context.option("plot").isPresent()) {
            Files.writeString(Path.of(context.option("plot").get()), chart(model, codings, all));
        }
    }

    private void row(String testCase, String metric, String unit, double value) {
        context.results()
                .add(
                        new Row(
                                new Row.Name("codec", testCase, metric),
                                unit,
                                Row.Spread.of(value),
                                null,
                                null,
                                "E2"));
    }

    /** Between the two levels around a divergence, straight in both logarithms; 0 for none. */
    private static double ratioAt(
            String codec, double limit, List<Coding> codings, List<Harm> harms) {
        for (int i = 0; i + 1 < codings.size(); i++) {
            Harm finer = harms.get(i);
            Harm coarser = harms.get(i + 1);
            if (!codings.get(i).codec().name().equals(codec)
                    || !codings.get(i + 1).codec().name().equals(codec)
                    || finer.kl() > limit
                    || coarser.kl() <= limit) {
                continue;
            }
            double part = Math.log(limit / finer.kl()) / Math.log(coarser.kl() / finer.kl());
            return finer.ratio() * Math.pow(coarser.ratio() / finer.ratio(), part);
        }
        return 0;
    }

    private static String chart(String model, List<Coding> codings, List<Harm> harms) {
        List<LineChart.Line> lines = new ArrayList<>();
        for (String codec : codings.stream().map(of -> of.codec().name()).distinct().toList()) {
            List<Harm> own = new ArrayList<>();
            for (int i = 0; i < codings.size(); i++) {
                if (codings.get(i).codec().name().equals(codec)) {
                    own.add(harms.get(i));
                }
            }
            lines.add(
                    new LineChart.Line(
                            codec,
                            own.stream().mapToDouble(Harm::ratio).toArray(),
                            own.stream().mapToDouble(harm -> Math.max(harm.kl(), 1e-5)).toArray()));
        }
        return new LineChart(
                        "Size and harm of coded KV, " + model.toLowerCase(Locale.ROOT),
                        new LineChart.Axis(
                                "times smaller than 16 bits",
                                List.of(1.0, 2.0, 4.0, 8.0, 16.0, 32.0)),
                        new LineChart.Axis(
                                "mean KL", List.of(0.00001, 0.0001, 0.001, 0.01, 0.1, 1.0)),
                        lines)
                .svg();
    }

    private boolean passes(List<Coding> codings, List<Harm> harms) {
        double limit = context.option("kl-limit").map(Double::parseDouble).orElse(KL);
        boolean asked = codings.stream().anyMatch(of -> of.codec().name().equals("klt"));
        return !asked || ratioAt("klt", limit, codings, harms) >= KLT_RATIO;
    }
}
