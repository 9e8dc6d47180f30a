package io.baton.engine;

import io.baton.common.time.Ticker;
import io.baton.kernels.Kernels;

/** Starts engines. */
public final class EngineLoops {
    private EngineLoops() {}

    /**
     * Allocates a pool and activations, and starts an engine's thread. Closing the loop ends the
     * thread and frees them; weights and kernels stay with their owner.
     *
     * @param weights of the model; several engines may share them
     * @param kernels the provider that loaded {@code weights}
     * @param language what tokens mean
     * @param ticker for the time spent in steps
     */
    public static EngineLoop start(
            EngineOptions options,
            ModelWeights weights,
            Kernels kernels,
            Language language,
            Ticker ticker) {
        return start(options, weights, kernels, language, new Surroundings(KvParking.NONE, ticker));
    }

    /**
     * What an engine works with beside its model.
     *
     * @param parking where preempted sequences' KV waits
     * @param ticker for the time spent in steps
     */
    public record Surroundings(KvParking parking, Ticker ticker) {}

    /**
     * As {@link #start(EngineOptions, ModelWeights, Kernels, Language, Ticker)}.
     *
     * @param around what the engine works with
     */
    public static EngineLoop start(
            EngineOptions options,
            ModelWeights weights,
            Kernels kernels,
            Language language,
            Surroundings around) {
        Transformer transformer = Transformer.of(options, weights, kernels);
        DefaultEngineLoop loop =
                new DefaultEngineLoop(
                        transformer, options, language, around.parking(), around.ticker());
        loop.start();
        return loop;
    }
}
