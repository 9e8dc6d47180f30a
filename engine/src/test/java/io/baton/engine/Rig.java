package io.baton.engine;

import io.baton.common.generation.TokenOutput;
import io.baton.common.grammar.Grammars;
import io.baton.common.kv.KvDtype;
import io.baton.common.model.GgufFile;
import io.baton.common.model.TinyModel;
import io.baton.common.text.Tokenizer;
import io.baton.common.text.Tokenizers;
import io.baton.common.time.Ticker;
import io.baton.engine.Recorder.Outcome;
import io.baton.kernels.Kernels;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

/** A tiny model's weights on one provider, and engines over them. */
final class Rig implements AutoCloseable {
    private final GgufFile file;
    final Kernels kernels;
    final ModelWeights weights;
    private final List<EngineLoop> loops = new ArrayList<>();

    Rig(TinyModel model, Kernels kernels) {
        this(model.toBytes(), kernels);
    }

    Rig(byte[] gguf, Kernels kernels) {
        this.kernels = kernels;
        this.file = GgufFile.ofBytes(gguf);
        this.weights = ModelWeights.load(kernels, file);
    }

    /** Steps as long as their rows allow: how fast this machine is decides nothing. */
    static EngineOptions options(int poolBlocks, int stepTokens) {
        return options(poolBlocks, stepTokens, new EngineOptions.Policy(16_384, 1e6, 0, 1));
    }

    static EngineOptions options(int poolBlocks, int stepTokens, EngineOptions.Policy policy) {
        return new EngineOptions(
                "engine-test",
                poolBlocks,
                KvDtype.BF16,
                2048,
                stepTokens,
                Math.min(16, stepTokens),
                64,
                256,
                policy);
    }

    EngineLoop loop(EngineOptions options, Set<Integer> endTokens) {
        EngineLoop loop =
                EngineLoops.start(options, weights, kernels, language(endTokens), Ticker.system());
        loops.add(loop);
        return loop;
    }

    /** The file's tokenizer, or the tiny Llama's for files that have none. */
    Tokenizer tokenizer() {
        if (file.string("tokenizer.ggml.model").isPresent()) {
            return Tokenizers.of(file);
        }
        try (GgufFile other = GgufFile.ofBytes(TinyModel.llama().toBytes())) {
            return Tokenizers.of(other);
        }
    }

    /** The model's own end tokens. */
    Set<Integer> ends() {
        Tokenizer tokenizer = tokenizer();
        return IntStream.range(0, tokenizer.vocabSize())
                .filter(tokenizer::isEndOfGeneration)
                .boxed()
                .collect(Collectors.toSet());
    }

    Language language(Set<Integer> endTokens) {
        return new Language(endTokens, Grammars.of(tokenizer()));
    }

    /** Closes the loop with the rest. */
    void own(EngineLoop loop) {
        loops.add(loop);
    }

    List<EngineLoop> loops() {
        return loops;
    }

    EngineLoop loop(int poolBlocks, int stepTokens) {
        return loop(options(poolBlocks, stepTokens), Set.of());
    }

    /** Serves one sequence from beginning to end here. */
    static Outcome serve(EngineLoop loop, SequenceSpec spec) throws InterruptedException {
        return serve(loop, List.of(spec)).getFirst();
    }

    /** Serves all, each as soon as it is in line. */
    static List<Outcome> serve(EngineLoop loop, List<SequenceSpec> specs)
            throws InterruptedException {
        List<Reservation> reservations = reserve(loop, specs);
        return outcomes(reservations, start(loop, reservations));
    }

    /**
     * Serves all at once: the engine is held, by a sequence of one block, until all are in line, so
     * that what shares a step does not depend on how fast threads run.
     */
    static List<Outcome> serveTogether(EngineLoop loop, List<SequenceSpec> specs)
            throws InterruptedException {
        CountDownLatch inLine = new CountDownLatch(1);
        Recorder holding =
                new Recorder() {
                    @Override
                    public void onStarted() {
                        super.onStarted();
                        try {
                            if (!inLine.await(60, TimeUnit.SECONDS)) {
                                throw new AssertionError("the others never came");
                            }
                        } catch (InterruptedException e) {
                            throw new IllegalStateException(e);
                        }
                    }
                };
        SequenceSpec holder = Specs.greedy("holder", new int[] {11}, 1);
        List<Reservation> reservations;
        List<Recorder> recorders;
        try (Reservation place = loop.reserve(holder)) {
            reservations = reserve(loop, specs);
            loop.prefill(place, holding, true);
            holding.awaitStart();
            recorders = start(loop, reservations);
            inLine.countDown();
            holding.await();
        }
        return outcomes(reservations, recorders);
    }

    private static List<Reservation> reserve(EngineLoop loop, List<SequenceSpec> specs) {
        return specs.stream().map(loop::reserve).toList();
    }

    private static List<Recorder> start(EngineLoop loop, List<Reservation> reservations) {
        List<Recorder> recorders = new ArrayList<>();
        for (Reservation reservation : reservations) {
            Recorder recorder = new Recorder();
            recorders.add(recorder);
            loop.prefill(reservation, recorder, true);
        }
        return recorders;
    }

    private static List<Outcome> outcomes(List<Reservation> reservations, List<Recorder> recorders)
            throws InterruptedException {
        List<Outcome> outcomes = new ArrayList<>();
        for (int i = 0; i < recorders.size(); i++) {
            outcomes.add(recorders.get(i).await());
            reservations.get(i).close();
        }
        return outcomes;
    }

    /** Prefills in one engine, carries the KV over layer by layer, decodes in another. */
    static Outcome serveApart(EngineLoop prefiller, EngineLoop decoder, SequenceSpec spec)
            throws InterruptedException {
        try (Reservation target = decoder.reserve(spec);
                Reservation source = prefiller.reserve(spec)) {
            Recorder first = new Recorder();
            prefiller.prefill(source, first, false);
            TokenOutput next = first.awaitToken();
            copy(source, target, spec.knownTokens().length);
            Recorder rest = new Recorder();
            decoder.decode(target, next, rest);
            return rest.await();
        }
    }

    static void copy(Reservation source, Reservation target, int tokens) {
        int from = target.heldTokens() / EngineOptions.BLOCK_TOKENS;
        int blocks = source.layout().blocksFor(tokens) - from;
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment bytes = arena.allocate((long) blocks * source.layout().blockLayerBytes());
            for (int layer = 0; layer < source.layout().layers(); layer++) {
                source.read(layer, from, bytes);
                target.write(layer, from, bytes);
            }
        }
    }

    @Override
    public void close() {
        loops.forEach(EngineLoop::close);
        kernels.close();
        file.close();
    }
}
