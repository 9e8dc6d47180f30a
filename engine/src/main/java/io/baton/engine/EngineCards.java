package io.baton.engine;

import io.baton.common.config.Configuration;
import io.baton.common.config.EngineSettings;
import io.baton.common.config.KvSettings;
import io.baton.common.config.ModelSettings;
import io.baton.common.error.BatonException;
import io.baton.common.error.ErrorCode;
import io.baton.common.kv.KvCoding;
import io.baton.common.kv.KvLayout;
import io.baton.common.proto.KvFormat;
import io.baton.common.proto.ModelCard;
import io.baton.common.proto.Status;
import io.baton.common.worker.GenerationRequest;
import io.baton.common.worker.ModelText;
import io.baton.common.worker.ProtoKv;
import io.baton.common.worker.WorkerMeters;
import io.baton.common.worker.WorkerOptions;
import io.baton.common.worker.WorkerShell;
import java.util.Arrays;

/** How an engine and its model present themselves on the control plane: plain messages. */
public final class EngineCards {
    private EngineCards() {}

    /** What a router needs to speak the model's language. */
    public static ModelText text(ModelRuntime runtime) {
        return new ModelText(runtime.file().textArtifact(), runtime.template().source());
    }

    /** The model as registration shows it. */
    public static ModelCard model(
            ModelRuntime runtime, WorkerOptions.Serving serving, String textFingerprint) {
        return ModelCard.newBuilder()
                .setName(serving.modelName())
                .addAllAliases(serving.aliases())
                .setFingerprint(runtime.fingerprint())
                .setVocab(runtime.weights().config().vocab())
                .setMaxModelLen(serving.maxModelLen())
                .setTextFingerprint(textFingerprint)
                .setChatTemplateOrigin(runtime.template().origin())
                .build();
    }

    /** The layout of an engine's KV. */
    public static KvLayout layout(ModelRuntime runtime, EngineOptions options) {
        return runtime.weights().config().kvLayout(options.kvDtype(), EngineOptions.BLOCK_TOKENS);
    }

    /**
     * The form of KV that an engine computes and takes.
     *
     * @param sameness {@code exact} or {@code tolerant}
     */
    public static KvFormat kv(
            ModelRuntime runtime, EngineOptions options, int chunkTokens, String sameness) {
        return ProtoKv.toProto(
                layout(runtime, options),
                chunkTokens,
                runtime.kernels().profile().label(),
                sameness,
                Arrays.stream(KvCoding.values()).map(KvCoding::label).toList());
    }

    /** A heartbeat, but for what the role measures itself. */
    public static Status.Builder status(EngineLoop engine) {
        EngineLoop.Stats stats = engine.stats();
        return Status.newBuilder()
                .setPoolBlocks(stats.poolBlocks())
                .setFreeBlocks(stats.freeBlocks())
                .setCachedBlocks(stats.cachedBlocks())
                .setReservedBlocks(stats.reservedBlocks())
                .setActiveBlocks(stats.activeBlocks())
                .setRunning(stats.running())
                .setWaiting(stats.waiting())
                .setWaitingPrefillTokens(stats.waitingPrefillTokens());
    }

    /** Shows what an engine counts. The meters hold on to the engine. */
    public static void show(EngineLoop engine, WorkerMeters meters) {
        meters.showCount(
                "baton.preemptions",
                "Times a sequence gave its blocks to another",
                () -> engine.counters().preemptions());
        meters.showCount(
                "baton.drafted.tokens",
                "Tokens guessed and verified",
                () -> engine.counters().draftedTokens());
        meters.showCount(
                "baton.accepted.tokens",
                "Guessed tokens that were right",
                () -> engine.counters().acceptedTokens());
    }

    /** What the watchdog of a worker looks at. */
    public static WorkerShell.Pulse pulse(EngineLoop engine) {
        EngineLoop.Stats stats = engine.stats();
        return new WorkerShell.Pulse(stats.steps(), stats.running() + stats.waiting() > 0);
    }

    /** What a worker that serves this model accepts. */
    public static GenerationRequest.Limits limits(ModelRuntime runtime, WorkerOptions options) {
        return new GenerationRequest.Limits(
                runtime.fingerprint(),
                runtime.weights().config().vocab(),
                options.serving().maxModelLen(),
                options.limits().maxRequestNanos());
    }

    /**
     * Engine options from configuration.
     *
     * @param name of the engine's thread
     * @param share of the processors, relative to other engines on the same kernels
     * @throws BatonException CONFIGURATION if the pool is larger than 2^31 blocks or the asked
     *     length longer than the model's context
     */
    public static EngineOptions options(
            Configuration configuration, String name, double share, ModelConfig model) {
        KvLayout layout =
                model.kvLayout(configuration.get(KvSettings.DTYPE), EngineOptions.BLOCK_TOKENS);
        long blocks =
                configuration
                        .get(KvSettings.POOL)
                        .blocks(layout.blockBytes(), EngineOptions.BLOCK_TOKENS);
        if (blocks > Integer.MAX_VALUE) {
            throw new BatonException(
                    ErrorCode.CONFIGURATION,
                    "a pool of %d blocks is too large; at most %d are possible"
                            .formatted(blocks, Integer.MAX_VALUE),
                    KvSettings.POOL.key());
        }
        int asked = configuration.get(ModelSettings.MAX_LEN);
        if (asked > model.contextLength()) {
            throw new BatonException(
                    ErrorCode.CONFIGURATION,
                    "%s is %d, but the model was made for %d tokens; ask for at most that, or for 0"
                            .formatted(ModelSettings.MAX_LEN.key(), asked, model.contextLength()),
                    ModelSettings.MAX_LEN.key());
        }
        int length = asked == 0 ? model.contextLength() : asked;
        long poolTokens = blocks * EngineOptions.BLOCK_TOKENS;
        int sequences = configuration.get(EngineSettings.MAX_NUM_SEQS);
        return new EngineOptions(
                name,
                (int) blocks,
                configuration.get(KvSettings.DTYPE),
                (int) Math.min(length, poolTokens),
                Math.max(sequences, configuration.get(EngineSettings.MAX_STEP_TOKENS)),
                sequences,
                sequences + configuration.get(EngineSettings.MAX_WAITING),
                configuration.get(KvSettings.CHUNK_TOKENS),
                new EngineOptions.Policy(
                        configuration.get(EngineSettings.PATIENCE_TOKENS),
                        configuration.get(EngineSettings.DECODE_STRETCH),
                        configuration.get(EngineSettings.SPECULATIVE_TOKENS),
                        share));
    }
}
