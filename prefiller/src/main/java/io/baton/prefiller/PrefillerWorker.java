package io.baton.prefiller;

import io.baton.common.error.BatonException;
import io.baton.common.proto.KvFormat;
import io.baton.common.proto.ModelCard;
import io.baton.common.proto.Role;
import io.baton.common.proto.Status;
import io.baton.common.worker.DecayedRatio;
import io.baton.common.worker.ModelTextService;
import io.baton.common.worker.OpenParts;
import io.baton.common.worker.Worker;
import io.baton.common.worker.WorkerMeters;
import io.baton.common.worker.WorkerOptions;
import io.baton.common.worker.WorkerShell;
import io.baton.engine.EngineCards;
import io.baton.engine.EngineLoop;
import io.baton.engine.EngineOptions;
import io.baton.engine.ModelRuntime;
import io.baton.kv.channel.Hello;
import io.baton.kv.transfer.DefaultKvSenders;
import io.baton.kv.transfer.KvSenders;
import io.baton.kv.transfer.TransferSetup;
import io.micrometer.core.instrument.MeterRegistry;
import java.util.List;

/** A prefiller: engine, KV senders, gRPC service and membership. Safe for any thread. */
public final class PrefillerWorker implements Worker {
    private static final double DECAY = 0.95;

    private final WorkerShell shell;
    private final OpenParts parts;

    private PrefillerWorker(WorkerShell shell, OpenParts parts) {
        this.shell = shell;
        this.parts = parts;
    }

    /**
     * Starts a prefiller and joins the routers. The runtime stays the caller's.
     *
     * @param registry where its meters go; a Prometheus registry is shown on the admin port
     * @throws BatonException CONFIGURATION if an address can't be used or memory does not suffice
     */
    public static PrefillerWorker start(
            WorkerOptions options,
            EngineOptions engineOptions,
            ModelRuntime runtime,
            MeterRegistry registry) {
        options.membership().token().requireFor(options.listen().controlHost());
        OpenParts parts = new OpenParts();
        try {
            WorkerShell.Surroundings around =
                    WorkerShell.Surroundings.system(options.workerId(), parts);
            long incarnation = around.random().nextLong();
            KvFormat kv =
                    EngineCards.kv(
                            runtime,
                            engineOptions,
                            options.serving().chunkTokens(),
                            options.serving().sameness());
            Hello hello = TransferSetup.hello(options, incarnation, runtime.fingerprint(), kv);
            SendBuffers buffers = parts.add(new SendBuffers(chunkLayerBytes(hello)));
            EngineLoop engine = parts.add(runtime.startEngine(engineOptions, around.ticker()));
            KvSenders senders =
                    parts.add(
                            DefaultKvSenders.of(
                                    TransferSetup.options(options, hello, around.ticker())));
            PrefillPorts ports =
                    new PrefillPorts(
                            new PrefillPorts.Machines(
                                    engine, senders, buffers, runtime.tokenizer()),
                            options,
                            hello,
                            new PrefillPorts.Surroundings(
                                    around.timer(),
                                    around.ticker(),
                                    new WorkerMeters(registry, "prefiller", options.workerId()),
                                    new DecayedRatio(DECAY)));
            ports.meters().showPool(() -> status(ports));
            EngineCards.show(engine, ports.meters());
            PrefillService service =
                    new PrefillService(
                            ports, EngineCards.limits(runtime, options), around.executor());
            ModelTextService texts = new ModelTextService(EngineCards.text(runtime));
            ModelCard card = EngineCards.model(runtime, options.serving(), texts.fingerprint());
            WorkerShell shell =
                    WorkerShell.start(
                            options,
                            new WorkerShell.Identity(
                                    Role.ROLE_PREFILLER,
                                    incarnation,
                                    card,
                                    kv,
                                    engineOptions.maxSequences()),
                            new WorkerShell.Inside(
                                    () -> status(ports),
                                    () -> EngineCards.pulse(engine),
                                    ports.meters()::scrape,
                                    List.of(service.live())),
                            around,
                            List.of(service.bindService(), texts.bindService()));
            return new PrefillerWorker(parts.add(shell), parts);
        } catch (RuntimeException e) {
            parts.close();
            throw e;
        }
    }

    private static long chunkLayerBytes(Hello hello) {
        int blocks = hello.chunkTokens() / hello.layout().blockTokens();
        return (long) hello.layout().blockLayerBytes() * blocks;
    }

    private static Status status(PrefillPorts ports) {
        return EngineCards.status(ports.engine())
                .setPrefillTokensPerSecond(ports.around().prefillTokensPerSecond().value())
                .setErrors(ports.meters().errors())
                .build();
    }

    @Override
    public String controlAddress() {
        return shell.controlAddress();
    }

    @Override
    public boolean drain(long nanos) {
        return shell.drain(nanos);
    }

    @Override
    public void close() {
        parts.close();
    }
}
