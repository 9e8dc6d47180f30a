package io.baton.decoder;

import io.baton.common.error.BatonException;
import io.baton.common.error.ErrorCode;
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
import io.baton.kv.transfer.DefaultKvReceiver;
import io.baton.kv.transfer.KvReceiver;
import io.baton.kv.transfer.TransferSetup;
import io.micrometer.core.instrument.MeterRegistry;
import java.util.List;

/**
 * A decoder (or, where prefill is always local, a colocated worker): engine, KV receiver, gRPC
 * service and membership. Safe for any thread.
 */
public final class DecoderWorker implements Worker {
    private static final double DECAY = 0.95;

    private final WorkerShell shell;
    private final OpenParts parts;

    private DecoderWorker(WorkerShell shell, OpenParts parts) {
        this.shell = shell;
        this.parts = parts;
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
        String label = label(role);
        options.membership().token().requireFor(options.listen().controlHost());
        if (options.listen().kvTls() == null) {
            options.membership().token().requireFor(options.listen().kvHost());
        }
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
            EngineLoop engine = parts.add(runtime.startEngine(engineOptions, around.ticker()));
            KvReceiver receiver =
                    parts.add(
                            DefaultKvReceiver.listen(
                                    TransferSetup.address(options),
                                    TransferSetup.options(options, hello, around.ticker())));
            DecodePorts ports =
                    new DecodePorts(
                            new DecodePorts.Machines(engine, receiver, runtime.tokenizer()),
                            new DecodePorts.Identity(
                                    options, incarnation, runtime.fingerprint(), kv),
                            new DecodePorts.Surroundings(
                                    around.timer(),
                                    around.ticker(),
                                    around.random(),
                                    new WorkerMeters(registry, label, options.workerId()),
                                    new DecayedRatio(DECAY),
                                    new DecayedRatio(DECAY)));
            ports.meters().showPool(() -> status(ports));
            EngineCards.show(engine, ports.meters());
            DecodeService service =
                    new DecodeService(
                            ports, EngineCards.limits(runtime, options), around.executor());
            ModelTextService texts = new ModelTextService(EngineCards.text(runtime));
            ModelCard card = EngineCards.model(runtime, options.serving(), texts.fingerprint());
            WorkerShell shell =
                    WorkerShell.start(
                            options,
                            new WorkerShell.Identity(
                                    role, incarnation, card, kv, engineOptions.maxSequences()),
                            new WorkerShell.Inside(
                                    () -> status(ports),
                                    () -> EngineCards.pulse(engine),
                                    ports.meters()::scrape,
                                    List.of(service.live())),
                            around,
                            List.of(service.bindService(), texts.bindService()));
            return new DecoderWorker(parts.add(shell), parts);
        } catch (RuntimeException e) {
            parts.close();
            throw e;
        }
    }

    private static String label(Role role) {
        return switch (role) {
            case ROLE_DECODER -> "decoder";
            case ROLE_COLOCATED -> "colocated";
            case ROLE_PREFILLER, ROLE_UNSPECIFIED, UNRECOGNIZED ->
                    throw new BatonException(
                            ErrorCode.CONFIGURATION, "a decoder's role is decoder or colocated");
        };
    }

    private static Status status(DecodePorts ports) {
        return EngineCards.status(ports.engine())
                .setPrefillTokensPerSecond(ports.around().prefillTokensPerSecond().value())
                .setDecodeSecondsPerToken(ports.around().decodeSecondsPerToken().value())
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
