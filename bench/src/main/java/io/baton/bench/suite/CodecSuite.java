package io.baton.bench.suite;

import io.baton.bench.coder.CoderComparison;
import io.baton.bench.frame.Row;
import io.baton.bench.frame.Suite;
import io.baton.bench.frame.SuiteContext;
import io.baton.bench.quality.Coding;
import io.baton.bench.quality.GivenProfiles;
import io.baton.bench.quality.QualityStudy;
import io.baton.common.checkpoint.ModelFiles;
import io.baton.common.kv.KvDtype;
import io.baton.common.kv.KvLayout;
import io.baton.common.model.ModelFile;
import io.baton.common.model.ModelStore;
import io.baton.common.text.PromptText;
import io.baton.common.text.Tokenizer;
import io.baton.common.text.Tokenizers;
import io.baton.engine.Engine;
import io.baton.engine.EngineOptions;
import io.baton.engine.ModelWeights;
import io.baton.engine.Transformer;
import io.baton.kernels.Batch;
import io.baton.kernels.Kernels;
import io.baton.kernels.KernelsProviders;
import io.baton.kernels.KernelsProviders.Preference;
import io.baton.kernels.KvPages;
import io.baton.kv.codec.KvCodec;
import io.baton.kv.codec.KvCodec.Setting;
import io.baton.kv.codec.PartShape;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;
import java.util.stream.IntStream;

/**
 * What the codecs make of real KV: a text is prefilled by the engine, and each layer of each chunk
 * coded and decoded by one thread, as a transfer does. Sizes count every byte of a part. Beside the
 * codecs stand entropy coders on the same symbols: {@link CoderComparison}.
 *
 * <p>Pass rule: {@code lossless} gives back every bit and makes bf16 KV at least {@value #LOSSLESS}
 * times smaller.
 */
public final class CodecSuite implements Suite {
    private static final double LOSSLESS = 1.35;
    private static final int CHUNK_TOKENS = 256;
    private static final int USUAL_LEVEL = 2;
    private static final Set<String> OPTIONS =
            Set.of("models", "text", "tokens", "kv-dtype", "rounds", "threads", "profile", "level");

    @Override
    public String name() {
        return "codec";
    }

    @Override
    public String summary() {
        return "size and speed of coded KV of real models; passes at %s x without loss"
                .formatted(LOSSLESS);
    }

    @Override
    public boolean run(SuiteContext context) throws Exception {
        if (context.option("quality").isPresent()) {
            return new QualityStudy(context).run();
        }
        context.requireKnown(name(), OPTIONS);
        boolean pass = true;
        for (String model :
                context.option("models").orElse("smollm2-135m,gemma3-270m").split(",")) {
            pass &= measure(context, model);
        }
        return pass;
    }

    private static boolean measure(SuiteContext context, String model) throws IOException {
        Path path =
                ModelStore.ofUser(System.getenv(), Path.of(System.getProperty("user.home")))
                        .resolve(model)
                        .path();
        KvDtype dtype =
                KvDtype.valueOf(context.option("kv-dtype").orElse("bf16").toUpperCase(Locale.ROOT));
        int threads =
                context.option("threads")
                        .map(Integer::parseInt)
                        .orElse(Runtime.getRuntime().availableProcessors());
        try (ModelFile file = ModelFiles.open(path);
                Kernels kernels = KernelsProviders.choose(Preference.AUTO, threads);
                Arena arena = Arena.ofConfined()) {
            int[] tokens = tokens(context, Tokenizers.of(file));
            List<Part> parts = prefill(file, kernels, dtype, tokens, arena);
            boolean pass = true;
            GivenProfiles given = GivenProfiles.of(context);
            int level = context.option("level").map(Integer::parseInt).orElse(USUAL_LEVEL);
            for (KvCodec codec : given.codecs()) {
                Optional<Long> profile = given.profileFor(codec, file);
                if (profile.isPresent()) {
                    Setting setting = new Setting(Math.min(level, codec.maxLevel()), profile.get());
                    String testCase = "%s %s".formatted(model, dtype.label());
                    pass &= measure(context, testCase, new Coding(codec, setting), parts);
                }
            }
            CoderComparison coders =
                    new CoderComparison(context, "%s %s".formatted(model, dtype.label()));
            parts.forEach(part -> coders.add(part.shape(), part.raw()));
            coders.run();
            return pass;
        }
    }

    /** The text's first tokens, whole chunks of them. */
    private static int[] tokens(SuiteContext context, Tokenizer tokenizer) throws IOException {
        int wanted =
                context.option("tokens")
                        .map(Integer::parseInt)
                        .orElse(context.quick() ? 2 * CHUNK_TOKENS : 4 * CHUNK_TOKENS);
        String text =
                context.option("text").isPresent()
                        ? Files.readString(Path.of(context.option("text").get()))
                        : Prompts.words(2 * wanted, 1);
        int[] tokens = tokenizer.encode(PromptText.trusted(text), true);
        int whole = Math.min(wanted, tokens.length) / CHUNK_TOKENS * CHUNK_TOKENS;
        if (whole == 0) {
            throw new IllegalArgumentException(
                    "the text has %d tokens, a chunk has %d"
                            .formatted(tokens.length, CHUNK_TOKENS));
        }
        return Arrays.copyOf(tokens, whole);
    }

    /** One layer of one chunk. */
    private record Part(PartShape shape, MemorySegment raw) {}

    private static List<Part> prefill(
            ModelFile file, Kernels kernels, KvDtype dtype, int[] tokens, Arena arena) {
        int blocks = tokens.length / EngineOptions.BLOCK_TOKENS;
        ModelWeights weights = ModelWeights.load(kernels, file);
        EngineOptions options =
                new EngineOptions(
                        "codec", blocks, dtype, tokens.length, CHUNK_TOKENS, 1, 1, CHUNK_TOKENS);
        try (Transformer transformer = Transformer.of(options, weights, kernels)) {
            int[] table = IntStream.range(0, blocks).toArray();
            for (int from = 0; from < tokens.length; from += CHUNK_TOKENS) {
                Batch batch =
                        new Batch(
                                Arrays.copyOfRange(tokens, from, from + CHUNK_TOKENS),
                                new Batch.Span[] {new Batch.Span(0, CHUNK_TOKENS, from, table)});
                transformer.step(new Engine.StepPlan(batch, new int[0]), Engine.LayerListener.NONE);
            }
            return parts(transformer.pages(), tokens.length, arena);
        }
    }

    private static List<Part> parts(KvPages pages, int tokens, Arena arena) {
        KvLayout layout = pages.layout();
        int blocks = CHUNK_TOKENS / layout.blockTokens();
        List<Part> parts = new ArrayList<>();
        for (int from = 0; from < tokens; from += CHUNK_TOKENS) {
            for (int layer = 0; layer < layout.layers(); layer++) {
                PartShape shape = new PartShape(layout, layer, 1, from, blocks);
                MemorySegment raw = arena.allocate(shape.rawBytes(), 64);
                pages.buffer().read(pages.offset(layer, from / layout.blockTokens()), raw);
                parts.add(new Part(shape, raw));
            }
        }
        return parts;
    }

    private static boolean measure(
            SuiteContext context, String testCase, Coding coding, List<Part> parts) {
        int rounds =
                context.option("rounds").map(Integer::parseInt).orElse(context.quick() ? 5 : 15);
        double[] encode = new double[rounds];
        double[] decode = new double[rounds];
        long raw = parts.stream().mapToLong(part -> part.shape().rawBytes()).sum();
        long coded = 0;
        KvCodec codec = coding.codec();
        // The rounds before the first warm caches and compile; they are not counted.
        for (int round = -rounds; round < rounds; round++) {
            Passage passage = passage(coding, parts);
            coded = passage.codedBytes();
            if (round >= 0) {
                encode[round] = raw / (double) passage.encodeNanos();
                decode[round] = raw / (double) passage.decodeNanos();
            }
        }
        double ratio = (double) raw / coded;
        Rows rows = new Rows(context, testCase, coding);
        rows.add("size, raw to coded", "x", ratio);
        if (codec.scratchBytes(parts.getFirst().shape()) == 0) {
            // It moves nothing.
            return true;
        }
        rows.add("encode, one thread", "GB/s raw", encode);
        rows.add("decode, one thread", "GB/s raw", decode);
        return !codec.name().equals("lossless") || ratio >= LOSSLESS;
    }

    /** Rows of one way to code. */
    private record Rows(SuiteContext context, String testCase, Coding coding) {
        void add(String metric, String unit, double... values) {
            Row.Name name =
                    new Row.Name("codec", testCase, "%s %s".formatted(coding.name(), metric));
            String sameness = coding.codec().lossless() ? "E0" : "E2";
            context.results().add(new Row(name, unit, Row.Spread.of(values), null, null, sameness));
        }
    }

    private record Passage(long codedBytes, long encodeNanos, long decodeNanos) {}

    /** All parts there and back. */
    private static Passage passage(Coding coding, List<Part> parts) {
        long codedBytes = 0;
        long encodeNanos = 0;
        long decodeNanos = 0;
        PartShape shape = parts.getFirst().shape();
        KvCodec codec = coding.codec();
        Setting setting = coding.setting();
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment out = arena.allocate(Math.max(1, codec.scratchBytes(shape)), 64);
            MemorySegment in = arena.allocate(Math.max(1, codec.scratchBytes(shape)), 64);
            for (Part part : parts) {
                long begin = System.nanoTime();
                MemorySegment coded = codec.encode(part.shape(), setting, part.raw(), out);
                long middle = System.nanoTime();
                MemorySegment back = codec.decode(part.shape(), setting, coded, in);
                long end = System.nanoTime();
                if (codec.lossless() && back.mismatch(part.raw()) >= 0) {
                    throw new IllegalStateException(
                            "%s lost a bit in layer %d"
                                    .formatted(codec.name(), part.shape().firstLayer()));
                }
                codedBytes += coded.byteSize();
                encodeNanos += middle - begin;
                decodeNanos += end - middle;
            }
        }
        return new Passage(codedBytes, encodeNanos, decodeNanos);
    }
}
