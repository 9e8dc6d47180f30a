package io.baton.decoder;

import io.baton.common.kv.KeyChain;
import io.baton.common.proto.KvFormat;
import io.baton.common.text.Tokenizer;
import io.baton.common.time.Ticker;
import io.baton.common.time.Timer;
import io.baton.common.worker.DecayedRatio;
import io.baton.common.worker.GenerationRequest;
import io.baton.common.worker.ProtoKv;
import io.baton.common.worker.WorkerMeters;
import io.baton.common.worker.WorkerOptions;
import io.baton.engine.EngineLoop;
import io.baton.kv.transfer.KvReceiver;
import java.util.random.RandomGenerator;

/**
 * What an attempt works with: the decoder's parts and constants, shared by all attempts.
 *
 * @param machines engine and receiver
 * @param identity who this decoder is
 * @param around time and chance
 */
record DecodePorts(Machines machines, Identity identity, Surroundings around) {
    record Machines(EngineLoop engine, KvReceiver receiver, Tokenizer tokenizer) {}

    /**
     * @param incarnation random, new at every start
     * @param fingerprint of the model
     * @param kv the form of KV this decoder takes
     */
    record Identity(WorkerOptions options, long incarnation, String fingerprint, KvFormat kv) {}

    /**
     * @param decodeSecondsPerToken the decoder's moving average, fed by attempts
     * @param prefillTokensPerSecond the same for local prefill
     */
    record Surroundings(
            Timer timer,
            Ticker ticker,
            RandomGenerator random,
            WorkerMeters meters,
            DecayedRatio decodeSecondsPerToken,
            DecayedRatio prefillTokensPerSecond) {}

    /** The chain of block keys of a request's tenant. */
    KeyChain keys(GenerationRequest request) {
        return KeyChain.of(
                new KeyChain.Root(
                        identity.fingerprint(),
                        ProtoKv.layout(identity.kv()),
                        ProtoKv.sameness(identity.kv()),
                        identity.kv().getNumericProfile(),
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
