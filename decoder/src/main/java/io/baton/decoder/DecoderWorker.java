package io.baton.decoder;

import io.baton.common.error.BatonException;
import io.baton.common.error.ErrorCode;
import io.baton.common.proto.KvFormat;
import io.baton.common.proto.ModelCard;
import io.baton.common.proto.Role;
import io.baton.common.proto.Status;
import io.baton.common.time.Ticker;
import io.baton.common.time.Timer;
import io.baton.common.worker.DecayedRatio;
import io.baton.common.worker.GenerationRequest;
import io.baton.common.worker.ModelTextService;
import io.baton.common.worker.WorkerMeters;
import io.baton.common.worker.WorkerOptions;
import io.baton.common.worker.WorkerShell;
import io.baton.engine.EngineCards;
import io.baton.engine.EngineLoop;
import io.baton.engine.EngineOptions;
import io.baton.engine.ModelRuntime;
import io.baton.kv.channel.Hello;
import io.baton.kv.transfer.DefaultKvReceiver;
import io.baton.kv.transfer.KvReceiver;
import io.baton.kv.transfer.TransferSetup;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.prometheusmetrics.PrometheusMeterRegistry;
import java.security.SecureRandom;
import java.util.List;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;

/**
 * A decoder (or, where prefill is always local, a colocated worker): engine, KV receiver, gRPC
 * service and membership. Safe for any thread.
 */
public final class DecoderWorker implements AutoCloseable {
    private static final double DECAY = 0.95;
    private static final long LAST_CALLS_NANOS = TimeUnit.SECONDS.toNanos(2);

    private final EngineLoop engine;
    private final KvReceiver receiver;
    private final DecodeService service;
    private final WorkerShell shell;
    private final Timer.SystemTimer timer;
    private final ExecutorService executor;
    private final AtomicBoolean closed = new AtomicBoolean();

    private DecoderWorker(
            DecodePorts ports,
            DecodeService service,
            WorkerShell shell,
            Timer.SystemTimer timer,
            ExecutorService executor) {
        this.engine = ports.machines().engine();
        this.receiver = ports.machines().receiver();
        this.service = service;
        this.shell = shell;
        this.timer = timer;
        this.executor = executor;
    }

    /**
     * Starts a decoder and joins the routers. The runtime stays the caller's.
     *
     * @param role ROLE_DECODER or ROLE_COLOCATED
     * @param registry where its meters go; a Prometheus registry is shown on the admin port
     * @throws BatonException CONFIGURATION if an address can't be used or memory does not suffice
     */
    public static DecoderWorker start(
            Role role,
            WorkerOptions options,
            EngineOptions engineOptions,
            ModelRuntime runtime,
            MeterRegistry registry) {
        if (role != Role.ROLE_DECODER && role != Role.ROLE_COLOCATED) {
            throw new BatonException(
                    ErrorCode.CONFIGURATION, "a decoder's role is decoder or colocated");
        }
        WorkerOptions.Listen listen = options.listen();
        options.membership().token().requireFor(listen.controlHost());
        options.membership().token().requireFor(listen.kvHost());
        SecureRandom random = new SecureRandom();
        Timer.SystemTimer timer = Timer.system("baton-timer-" + options.workerId());
        ExecutorService executor = Executors.newVirtualThreadPerTaskExecutor();
        long incarnation = random.nextLong();
        Ticker ticker = Ticker.system();
        KvFormat kv = EngineCards.kv(runtime, engineOptions, options.serving().chunkTokens());
        KvReceiver receiver = null;
        EngineLoop engine = null;
        try {
            Hello hello = TransferSetup.hello(options, incarnation, runtime.fingerprint(), kv);
            receiver =
                    DefaultKvReceiver.listen(
                            TransferSetup.listenUrl(options),
                            TransferSetup.options(options, hello, ticker));
            engine = runtime.startEngine(engineOptions, ticker);
            DecodePorts ports =
                    new DecodePorts(
                            new DecodePorts.Machines(engine, receiver, runtime.tokenizer()),
                            new DecodePorts.Identity(
                                    options, incarnation, runtime.fingerprint(), kv),
                            new DecodePorts.Surroundings(
                                    timer,
                                    ticker,
                                    random,
                                    new WorkerMeters(registry, label(role), options.workerId()),
                                    new DecayedRatio(DECAY),
                                    new DecayedRatio(DECAY)));
            DecodeService service = new DecodeService(ports, limits(options, runtime), executor);
            ModelTextService texts = new ModelTextService(EngineCards.text(runtime));
            ModelCard card = EngineCards.model(runtime, options.serving(), texts.fingerprint());
            ports.meters().showPool(() -> status(ports));
            WorkerShell shell =
                    WorkerShell.start(
                            options,
                            new WorkerShell.Identity(
                                    role, incarnation, card, kv, engineOptions.maxSequences()),
                            inside(ports, registry),
                            new WorkerShell.Surroundings(timer, ticker, random, executor),
                            List.of(service.bindService(), texts.bindService()));
            return new DecoderWorker(ports, service, shell, timer, executor);
        } catch (RuntimeException e) {
            if (engine != null) {
                engine.close();
            }
            if (receiver != null) {
                receiver.close();
            }
            timer.close();
            executor.close();
            throw e;
        }
    }

    private static GenerationRequest.Limits limits(WorkerOptions options, ModelRuntime runtime) {
        return new GenerationRequest.Limits(
                runtime.fingerprint(),
                runtime.weights().config().vocab(),
                options.serving().maxModelLen(),
                options.limits().maxRequestNanos());
    }

    private static WorkerShell.Inside inside(DecodePorts ports, MeterRegistry registry) {
        return new WorkerShell.Inside(
                () -> status(ports),
                () -> {
                    EngineLoop.Stats stats = ports.engine().stats();
                    return new WorkerShell.Pulse(
                            stats.steps(), stats.running() + stats.waiting() > 0);
                },
                () -> registry instanceof PrometheusMeterRegistry p ? p.scrape() : "");
    }

    private static Status status(DecodePorts ports) {
        return EngineCards.status(ports.engine())
                .setPrefillTokensPerSecond(ports.around().prefillTokensPerSecond().value())
                .setDecodeSecondsPerToken(ports.around().decodeSecondsPerToken().value())
                .setErrors(ports.meters().errors())
                .build();
    }

    private static String label(Role role) {
        return role == Role.ROLE_COLOCATED ? "colocated" : "decoder";
    }

    /** Where routers reach it. */
    public String controlAddress() {
        return shell.controlAddress();
    }

    /** Where prefillers push KV. */
    public String channelUrl() {
        return receiver.url();
    }

    /** The port of metrics and liveness; -1 if there is none. */
    public int adminPort() {
        return shell.adminPort();
    }

    /** Whether its engine moves. */
    public boolean isAlive() {
        return shell.isAlive();
    }

    /** Its engine's queue and pool. */
    public EngineLoop.Stats stats() {
        return engine.stats();
    }

    /** Forgets cached prefixes that nobody uses. */
    public void clearCache() {
        engine.clearCache();
    }

    /**
     * Takes nothing new and lets attempts in progress end.
     *
     * @return whether all had ended when the time was over
     */
    public boolean drain(long nanos) {
        service.live().drain();
        shell.drain();
        return service.live().awaitEmpty(nanos);
    }

    /** Ends everything; attempts in progress are cancelled and their blocks freed. */
    @Override
    public void close() {
        if (!closed.compareAndSet(false, true)) {
            return;
        }
        service.live().drain();
        shell.close();
        service.live().awaitEmpty(LAST_CALLS_NANOS);
        receiver.close();
        engine.close();
        timer.close();
        executor.shutdown();
    }
}
