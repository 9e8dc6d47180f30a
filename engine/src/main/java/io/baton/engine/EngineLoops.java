package io.baton.engine;

import io.baton.common.time.Ticker;
import io.baton.kernels.Kernels;
import java.util.Set;

/** Starts engines. */
public final class EngineLoops {
    private EngineLoops() {}

    /**
     * Allocates a pool and activations, and starts an engine's thread. Closing the loop ends the
     * thread and frees them; weights and kernels stay with their owner.
     *
     * @param weights of the model; several engines may share them
     * @param kernels the provider that loaded {@code weights}
     * @param endTokens tokens that end an answer unless the request ignores them
     * @param ticker for the time spent in steps
     */
    public static EngineLoop start(
            EngineOptions options,
            ModelWeights weights,
            Kernels kernels,
            Set<Integer> endTokens,
            Ticker ticker) {
        Transformer transformer = Transformer.of(options, weights, kernels);
        DefaultEngineLoop loop = new DefaultEngineLoop(transformer, options, endTokens, ticker);
        loop.start();
        return loop;
    }
}
