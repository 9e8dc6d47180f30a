package io.baton.router.registry;

import io.baton.common.error.BatonException;
import io.baton.common.error.ErrorCode;
import io.baton.common.proto.Refusal;
import io.baton.common.proto.RegistryGrpc;
import io.baton.common.proto.RouterMessage;
import io.baton.common.proto.Welcome;
import io.baton.common.proto.WorkerMessage;
import io.grpc.Status;
import io.grpc.stub.StreamObserver;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The gRPC face of the {@link Registry}. A worker's lease ends with its stream, and when no message
 * came within the lease.
 */
public final class RegistryService extends RegistryGrpc.RegistryImplBase {
    private static final Logger LOG = LoggerFactory.getLogger(RegistryService.class);

    private final Registry registry;

    public RegistryService(Registry registry) {
        this.registry = registry;
    }

    @Override
    public StreamObserver<WorkerMessage> join(StreamObserver<RouterMessage> answers) {
        return new Session(answers);
    }

    /** One worker's stream. gRPC calls its methods one after the other. */
    private final class Session implements StreamObserver<WorkerMessage> {
        private final StreamObserver<RouterMessage> answers;
        private @Nullable Worker worker;
        private boolean over;

        Session(StreamObserver<RouterMessage> answers) {
            this.answers = answers;
        }

        @Override
        public void onNext(WorkerMessage message) {
            if (over) {
                return;
            }
            Worker known = worker;
            switch (message.getKindCase()) {
                case REGISTRATION -> register(message);
                case STATUS -> {
                    if (known == null) {
                        refuse(outOfOrder());
                    } else if (!registry.report(known, message.getStatus())) {
                        over = true;
                        answers.onError(
                                Status.ABORTED
                                        .withDescription("the lease is over; register again")
                                        .asRuntimeException());
                    }
                }
                case DRAINING -> {
                    if (known == null) {
                        refuse(outOfOrder());
                    } else {
                        registry.drain(known);
                    }
                }
                case KIND_NOT_SET -> LOG.debug("a worker sent a message of an unknown kind");
            }
        }

        private void register(WorkerMessage message) {
            if (worker != null) {
                refuse(outOfOrder());
                return;
            }
            try {
                worker = registry.join(message.getRegistration());
            } catch (BatonException e) {
                refuse(e);
                return;
            }
            Registry.Setup setup = registry.setup();
            answers.onNext(
                    RouterMessage.newBuilder()
                            .setWelcome(
                                    Welcome.newBuilder()
                                            .setRouterId(setup.routerId())
                                            .setHeartbeatMillis(
                                                    TimeUnit.NANOSECONDS.toMillis(
                                                            setup.heartbeatNanos()))
                                            .setLeaseMillis(
                                                    TimeUnit.NANOSECONDS.toMillis(
                                                            setup.leaseNanos())))
                            .build());
        }

        private void refuse(BatonException why) {
            LOG.warn("a worker is refused: {}", why.text());
            over = true;
            answers.onNext(
                    RouterMessage.newBuilder()
                            .setRefusal(
                                    Refusal.newBuilder()
                                            .setCode(why.code().code())
                                            .setMessage(why.text()))
                            .build());
            answers.onCompleted();
            end("it broke the protocol");
        }

        private BatonException outOfOrder() {
            return new BatonException(
                    ErrorCode.HANDSHAKE_MISMATCH,
                    "a worker registers once, before anything else; use the same version of Baton");
        }

        @Override
        public void onError(Throwable cause) {
            end("its stream broke: " + cause.getMessage());
        }

        @Override
        public void onCompleted() {
            if (worker != null) {
                registry.leave(worker);
            }
            if (!over) {
                over = true;
                answers.onCompleted();
            }
        }

        private void end(String why) {
            if (worker != null) {
                registry.lose(worker, why);
            }
        }
    }
}
