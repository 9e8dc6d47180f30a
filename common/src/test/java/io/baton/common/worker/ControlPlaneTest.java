package io.baton.common.worker;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.baton.common.error.BatonException;
import io.baton.common.error.ErrorCode;
import io.baton.common.proto.FetchTextRequest;
import io.baton.common.proto.ModelTextGrpc;
import io.baton.common.proto.TextPart;
import io.grpc.ManagedChannel;
import io.grpc.Server;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.grpc.stub.StreamObserver;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(30)
class ControlPlaneTest {
    private static final String SECRET = "0123456789abcdef";

    private static final class Texts extends ModelTextGrpc.ModelTextImplBase {
        @Override
        public void fetchText(FetchTextRequest request, StreamObserver<TextPart> answer) {
            answer.onNext(TextPart.newBuilder().setChatTemplate("t").build());
            answer.onCompleted();
        }
    }

    private static String call(Server server, ClusterToken token) {
        ManagedChannel channel = ControlPlane.connect("127.0.0.1:" + server.getPort(), token);
        try {
            return ModelTextGrpc.newBlockingStub(channel)
                    .withDeadlineAfter(10, TimeUnit.SECONDS)
                    .fetchText(FetchTextRequest.getDefaultInstance())
                    .next()
                    .getChatTemplate();
        } finally {
            channel.shutdownNow();
        }
    }

    @Test
    void onlyTheRightTokenIsLetIn() {
        Server server =
                ControlPlane.listen(
                        "127.0.0.1",
                        0,
                        ClusterToken.of(SECRET),
                        List.of(new Texts().bindService()));
        try {
            assertEquals("t", call(server, ClusterToken.of(SECRET)));
            for (ClusterToken wrong : List.of(ClusterToken.none(), ClusterToken.of(SECRET + "x"))) {
                StatusRuntimeException error =
                        assertThrows(StatusRuntimeException.class, () -> call(server, wrong));
                assertEquals(Status.Code.UNAUTHENTICATED, error.getStatus().getCode());
            }
        } finally {
            server.shutdownNow();
        }
    }

    @Test
    void withoutTokenOnlyLoopbackIsListenedOn() {
        BatonException error =
                assertThrows(
                        BatonException.class,
                        () -> ControlPlane.listen("0.0.0.0", 0, ClusterToken.none(), List.of()));
        assertEquals(ErrorCode.CONFIGURATION, error.code());
        assertTrue(ClusterToken.isLoopback("127.0.0.1"));
        assertTrue(ClusterToken.isLoopback("::1"));
        assertFalse(ClusterToken.isLoopback("0.0.0.0"));
        assertFalse(ClusterToken.isLoopback("192.0.2.1"));
    }

    @Test
    void shortOrUnprintableTokensAreRefusedAndNoTokenIsShown() {
        for (String bad : List.of("short", "0123456789abcde\n", "0123456789 abcdef")) {
            assertThrows(BatonException.class, () -> ClusterToken.of(bad));
        }
        assertFalse(ClusterToken.of(SECRET).toString().contains(SECRET));
        assertFalse(ClusterToken.of("").isSet());
    }

    @Test
    void aProofNeedsTheSecretTheLabelAndTheFields() {
        ClusterToken token = ClusterToken.of(SECRET);
        byte[] fields = {1, 2, 3};
        byte[] proof = token.prove("one", fields);
        assertEquals(token.proofBytes(), proof.length);
        assertTrue(ClusterToken.of(SECRET).isProof(proof, "one", fields));
        assertFalse(token.isProof(proof, "other", fields));
        assertFalse(token.isProof(proof, "one", new byte[] {1, 2, 4}));
        assertFalse(ClusterToken.of(SECRET + "x").isProof(proof, "one", fields));
        assertFalse(token.isProof(new byte[0], "one", fields));
        ClusterToken none = ClusterToken.none();
        assertEquals(0, none.prove("one", fields).length);
        assertTrue(none.isProof(new byte[0], "one", fields));
        assertFalse(none.isProof(proof, "one", fields));
    }

    @Test
    void addressesAreHostAndPort() {
        assertEquals(new HostPort("h", 1), HostPort.parse("h:1"));
        assertEquals(new HostPort("::1", 80), HostPort.parse("[::1]:80"));
        assertEquals("[::1]:80", HostPort.parse("[::1]:80").toString());
        for (String bad : List.of("h", ":1", "h:0", "h:65536", "::1:80", "h:x", "")) {
            assertThrows(BatonException.class, () -> HostPort.parse(bad));
        }
    }
}
