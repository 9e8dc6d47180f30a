package io.baton.bench.engine.child;

import io.baton.common.checkpoint.ModelFiles;
import io.baton.common.kv.KvDtype;
import io.baton.common.model.GgufTensor;
import io.baton.common.model.ModelFile;
import io.baton.engine.Engine;
import io.baton.engine.EngineOptions;
import io.baton.engine.ModelWeights;
import io.baton.engine.Transformer;
import io.baton.kernels.Activations;
import io.baton.kernels.Batch;
import io.baton.kernels.KernelTimes;
import io.baton.kernels.Kernels;
import io.baton.kernels.KernelsProviders;
import io.baton.kernels.KernelsProviders.Preference;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.SplittableRandom;
import java.util.stream.IntStream;

/**
 * Runs steps of one transformer with random tokens and takes their time. Sequences of prefill and
 * of decode have blocks of their own, so that a measured decode starts from the same filled context
 * each time.
 */
final class EngineRun implements AutoCloseable {
    private static final int BLOCK = EngineOptions.BLOCK_TOKENS;

    /**
     * @param stepTokens rows of a step
     * @param maxPrefill longest prompt
     * @param maxBatch sequences decoded at once
     * @param maxDecode positions of a decoded sequence
     */
    record Sizes(int stepTokens, int maxPrefill, int maxBatch, int maxDecode) {
        int prefillBlocks() {
            return Math.ceilDiv(maxPrefill, BLOCK);
        }

        int decodeBlocks() {
            return Math.ceilDiv(maxDecode, BLOCK);
        }
    }

    record Provider(Preference preference, Activations activations, int threads, KvDtype kvDtype) {}

    /** As many steps as the budget allows, within bounds. */
    record Steps(int min, int max, double budgetSeconds) {}

    private final ModelFile file;
    private final Kernels kernels;
    private final ModelWeights weights;
    private final Transformer transformer;
    private final Sizes sizes;
    private final Map<String, Object> facts;
    private final SplittableRandom random = new SplittableRandom(7);
    private int filledDepth = -1;
    private int filledSequences;

    private EngineRun(Path model, Provider provider, Sizes sizes) {
        long begin = System.nanoTime();
        this.sizes = sizes;
        file = ModelFiles.open(model);
        kernels =
                KernelsProviders.choose(
                        provider.preference(), provider.threads(), provider.activations());
        weights = ModelWeights.load(kernels, file);
        int blocks =
                Math.addExact(
                        sizes.prefillBlocks(),
                        Math.multiplyExact(sizes.maxBatch(), sizes.decodeBlocks()));
        EngineOptions options =
                new EngineOptions(
                        "bench",
                        blocks,
                        provider.kvDtype(),
                        Math.max(sizes.maxPrefill(), sizes.maxDecode()),
                        sizes.stepTokens(),
                        sizes.maxBatch(),
                        1,
                        256);
        transformer = Transformer.of(options, weights, kernels);
        double seconds = (System.nanoTime() - begin) / 1e9;
        facts =
                Map.of(
                        "name",
                        "baton " + kernels.profile().label(),
                        "precision",
                        precision(provider),
                        "loadSeconds",
                        seconds,
                        "threads",
                        provider.threads(),
                        "vocab",
                        weights.config().vocab(),
                        "firstToken",
                        (int) file.integer("tokenizer.ggml.bos_token_id").orElse(-1),
                        "residentBytes",
                        weights.residentBytes(),
                        "tensorBytes",
                        file.tensors().stream().mapToLong(t -> t.data().byteSize()).sum(),
                        "readBytes",
                        readBytes(),
                        "poolBytes",
                        transformer.pages().buffer().bytes());
    }

    static EngineRun load(Path model, Provider provider, Sizes sizes) {
        return new EngineRun(model, provider, sizes);
    }

    private String precision(Provider provider) {
        boolean rounds =
                kernels.profile().provider().equals("c")
                        || provider.activations() != Activations.BITS_13;
        String activations = rounds ? "in " + provider.activations().label() : "in float32";
        return "weights as in the file, activations %s, KV %s"
                .formatted(activations, provider.kvDtype().label());
    }

    /**
     * Bytes of the file that a token of decode reads: all matrices, the embedding if it is the
     * head.
     */
    private long readBytes() {
        boolean untied = file.tensor("output.weight").isPresent();
        return file.tensors().stream()
                .filter(tensor -> !untied || !tensor.name().equals("token_embd.weight"))
                .map(GgufTensor::data)
                .mapToLong(MemorySegment::byteSize)
                .sum();
    }

    /** What stands of this subject for its whole life. */
    Map<String, Object> facts() {
        return facts;
    }

    /** Prefills one prompt of random tokens; logits of the last one alone. */
    Map<String, Object> prefill(int tokens) {
        int[] prompt = randomTokens(tokens);
        Clock clock = new Clock();
        fill(prompt, IntStream.range(0, sizes.prefillBlocks()).toArray());
        return clock.answer(tokens);
    }

    /** Decodes random tokens of {@code batch} sequences from position {@code depth} on. */
    Map<String, Object> decode(int batch, int depth, Steps steps) {
        fillSequences(batch, depth);
        Clock clock = new Clock();
        int done = 0;
        while (done < steps.min()
                || done < steps.max() && clock.seconds() < steps.budgetSeconds()) {
            int position = depth + done;
            Batch.Span[] spans = new Batch.Span[batch];
            for (int sequence = 0; sequence < batch; sequence++) {
                spans[sequence] = new Batch.Span(sequence, 1, position, blocks(sequence));
            }
            step(new Batch(randomTokens(batch), spans), IntStream.range(0, batch).toArray());
            done++;
        }
        return clock.answer(done * batch);
    }

    private void fillSequences(int batch, int depth) {
        if (depth != filledDepth) {
            filledDepth = depth;
            filledSequences = 0;
        }
        for (; filledSequences < batch; filledSequences++) {
            fill(randomTokens(depth), blocks(filledSequences));
        }
    }

    private int[] blocks(int sequence) {
        int first = sizes.prefillBlocks() + sequence * sizes.decodeBlocks();
        return IntStream.range(first, first + sizes.decodeBlocks()).toArray();
    }

    /** Logits of some entries of the vocabulary after a text. */
    List<Float> logits(int[] tokens, int[] ids) {
        MemorySegment row = fill(tokens, IntStream.range(0, sizes.prefillBlocks()).toArray());
        List<Float> wanted = new ArrayList<>();
        for (int id : ids) {
            wanted.add(row.getAtIndex(ValueLayout.JAVA_FLOAT, id));
        }
        return wanted;
    }

    private MemorySegment fill(int[] tokens, int[] blocks) {
        MemorySegment logits = MemorySegment.NULL;
        for (int from = 0; from < tokens.length; from += sizes.stepTokens()) {
            int rows = Math.min(sizes.stepTokens(), tokens.length - from);
            boolean last = from + rows == tokens.length;
            Batch batch =
                    new Batch(
                            java.util.Arrays.copyOfRange(tokens, from, from + rows),
                            new Batch.Span[] {new Batch.Span(0, rows, from, blocks)});
            logits = step(batch, last ? new int[] {rows - 1} : new int[0]);
        }
        return logits;
    }

    private MemorySegment step(Batch batch, int[] logitRows) {
        return transformer
                .step(new Engine.StepPlan(batch, logitRows), Engine.LayerListener.NONE)
                .orElseThrow();
    }

    private int[] randomTokens(int count) {
        return random.ints(count, 0, weights.config().vocab()).toArray();
    }

    /** The largest resident set so far, and the part of the present one that is the mapped file. */
    Map<String, Object> memory() throws IOException {
        return Map.of("peakBytes", status("VmHWM:"), "mappedBytes", status("RssFile:"));
    }

    private static long status(String name) throws IOException {
        try (var lines = Files.lines(Path.of("/proc/self/status"))) {
            return lines.filter(line -> line.startsWith(name))
                    .mapToLong(line -> Long.parseLong(line.replaceAll("[^0-9]", "")) << 10)
                    .findFirst()
                    .orElse(0);
        }
    }

    /** Wall time, CPU time and the kernels' shares since it was made. */
    private final class Clock {
        private final Optional<KernelTimes> before = kernels.times();
        private final long cpu = LibC.cpuNanos();
        private final long begin = System.nanoTime();

        double seconds() {
            return (System.nanoTime() - begin) / 1e9;
        }

        Map<String, Object> answer(int tokens) {
            Map<String, Object> answer = new HashMap<>();
            answer.put("seconds", seconds());
            answer.put("cpuSeconds", (LibC.cpuNanos() - cpu) / 1e9);
            answer.put("tokens", tokens);
            before.ifPresent(
                    times ->
                            answer.put("shares", kernels.times().orElseThrow().sharesSince(times)));
            return answer;
        }
    }

    @Override
    public void close() {
        transformer.close();
        kernels.close();
        file.close();
    }
}
