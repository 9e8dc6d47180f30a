package io.baton.prefiller;

import io.baton.common.kv.KeyChain;
import io.baton.common.text.Tokenizer;
import io.baton.common.time.Ticker;
import io.baton.common.time.Timer;
import io.baton.common.worker.DecayedRatio;
import io.baton.common.worker.GenerationRequest;
import io.baton.common.worker.WorkerMeters;
import io.baton.common.worker.WorkerOptions;
import io.baton.engine.EngineLoop;
import io.baton.kv.channel.Hello;
import io.baton.kv.transfer.KvSenders;

/**
 * What an attempt works with: the prefiller's parts and constants, shared by all attempts.
 *
 * @param identity what this prefiller says of itself to decoders
 */
record PrefillPorts(Machines machines, WorkerOptions options, Hello identity, Surroundings around) {
    record Machines(
            EngineLoop engine, KvSenders senders, SendBuffers buffers, Tokenizer tokenizer) {}

    /**
     * @param prefillTokensPerSecond the prefiller's moving average, fed by attempts
     */
    record Surroundings(
            Timer timer, Ticker ticker, WorkerMeters meters, DecayedRatio prefillTokensPerSecond) {}

    /** The chain of block keys of a request's tenant. */
    KeyChain keys(GenerationRequest request) {
        return KeyChain.of(
                new KeyChain.Root(
                        identity.fingerprint(),
                        identity.layout(),
                        identity.sameness(),
                        identity.numericProfile(),
                        request.tenantSalt()));
    }

    EngineLoop engine() {
        return machines.engine();
    }

    WorkerMeters meters() {
        return around.meters();
    }

    long now() {
        return around.ticker().nanos();
    }
}
