package io.baton.common.worker;

import io.baton.common.error.BatonException;
import io.baton.common.error.ErrorCode;
import io.grpc.CallOptions;
import io.grpc.Channel;
import io.grpc.ClientCall;
import io.grpc.ClientInterceptor;
import io.grpc.ForwardingClientCall.SimpleForwardingClientCall;
import io.grpc.Metadata;
import io.grpc.MethodDescriptor;
import io.grpc.ServerCall;
import io.grpc.ServerCallHandler;
import io.grpc.ServerInterceptor;
import io.grpc.Status;
import java.net.InetAddress;
import java.net.UnknownHostException;
import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import javax.crypto.Mac;
import javax.crypto.spec.SecretKeySpec;
import org.jspecify.annotations.Nullable;

/**
 * The secret that members of a cluster share. It travels in the metadata of every control call; on
 * KV channels it is never sent, only proved. Both are compared in constant time. Without one,
 * everything listens on loopback only. Immutable; its {@code toString} never shows the secret.
 */
public final class ClusterToken {
    /** Fewest characters of a token: shorter ones can be guessed. */
    public static final int MIN_CHARACTERS = 16;

    private static final int MAX_CHARACTERS = 1024;
    private static final int PROOF_BYTES = 32;
    private static final String PROOF_ALGORITHM = "HmacSHA256";
    private static final Metadata.Key<String> HEADER =
            Metadata.Key.of("baton-cluster-token", Metadata.ASCII_STRING_MARSHALLER);
    private static final ClusterToken NONE = new ClusterToken(null);

    private final @Nullable String secret;

    private ClusterToken(@Nullable String secret) {
        this.secret = secret;
    }

    /** No token: calls carry none and none is asked for. */
    public static ClusterToken none() {
        return NONE;
    }

    /**
     * A token from configuration; an empty text means {@link #none()}.
     *
     * @throws BatonException CONFIGURATION if it is too short, too long or not printable ASCII
     */
    public static ClusterToken of(String secret) {
        if (secret.isEmpty()) {
            return NONE;
        }
        boolean printable = secret.chars().allMatch(c -> c > 0x20 && c < 0x7f);
        if (!printable || secret.length() < MIN_CHARACTERS || secret.length() > MAX_CHARACTERS) {
            throw new BatonException(
                    ErrorCode.CONFIGURATION,
                    "the cluster token must have %d to %d printable ASCII characters without spaces; make one with: openssl rand -hex 32"
                            .formatted(MIN_CHARACTERS, MAX_CHARACTERS),
                    "cluster.token");
        }
        return new ClusterToken(secret);
    }

    /** Whether there is a secret. */
    public boolean isSet() {
        return secret != null;
    }

    /** Bytes of a proof; 0 without a secret. */
    public int proofBytes() {
        return secret == null ? 0 : PROOF_BYTES;
    }

    /**
     * Proves that this side knows the secret, without showing it: HMAC-SHA256 over a label and
     * fields; empty without a secret.
     *
     * @param label who proves, ASCII
     * @param fields of fixed lengths, as they are not told apart
     */
    public byte[] prove(String label, byte[]... fields) {
        if (secret == null) {
            return new byte[0];
        }
        try {
            Mac mac = Mac.getInstance(PROOF_ALGORITHM);
            mac.init(
                    new SecretKeySpec(secret.getBytes(StandardCharsets.US_ASCII), PROOF_ALGORITHM));
            mac.update(label.getBytes(StandardCharsets.US_ASCII));
            for (byte[] field : fields) {
                mac.update(field);
            }
            return mac.doFinal();
        } catch (GeneralSecurityException e) {
            throw new IllegalStateException("every JDK has " + PROOF_ALGORITHM, e);
        }
    }

    /** Whether a proof is the one that {@link #prove} makes; compared in constant time. */
    public boolean isProof(byte[] given, String label, byte[]... fields) {
        return MessageDigest.isEqual(prove(label, fields), given);
    }

    /**
     * Refuses to listen where others can connect without a token.
     *
     * @throws BatonException CONFIGURATION if {@code host} is not a loopback address and there is
     *     no token
     */
    public void requireFor(String host) {
        if (secret == null && !isLoopback(host)) {
            throw new BatonException(
                    ErrorCode.CONFIGURATION,
                    "listening on %s lets others on the network in, so a cluster token is needed: set cluster.token (at least %d characters, the same on every member) or listen on 127.0.0.1"
                            .formatted(host, MIN_CHARACTERS),
                    "cluster.token");
        }
    }

    /** Whether a host name or address is reachable from this machine alone. */
    public static boolean isLoopback(String host) {
        if (host.isEmpty()) {
            return false;
        }
        try {
            for (InetAddress address : InetAddress.getAllByName(host)) {
                if (!address.isLoopbackAddress()) {
                    return false;
                }
            }
            return true;
        } catch (UnknownHostException e) {
            throw new BatonException(
                    ErrorCode.CONFIGURATION,
                    "the host name %s cannot be resolved; use an address of this machine"
                            .formatted(host),
                    "host",
                    e);
        }
    }

    /** Puts the token into every call of a channel; does nothing without one. */
    public ClientInterceptor client() {
        return new ClientInterceptor() {
            @Override
            public <Q, R> ClientCall<Q, R> interceptCall(
                    MethodDescriptor<Q, R> method, CallOptions options, Channel next) {
                return new SimpleForwardingClientCall<>(next.newCall(method, options)) {
                    @Override
                    public void start(Listener<R> listener, Metadata headers) {
                        if (secret != null) {
                            headers.put(HEADER, secret);
                        }
                        super.start(listener, headers);
                    }
                };
            }
        };
    }

    /** Refuses calls without the right token as UNAUTHENTICATED; lets all pass without one. */
    public ServerInterceptor server() {
        return new ServerInterceptor() {
            @Override
            public <Q, R> ServerCall.Listener<Q> interceptCall(
                    ServerCall<Q, R> call, Metadata headers, ServerCallHandler<Q, R> next) {
                if (!accepts(headers.get(HEADER))) {
                    call.close(
                            Status.UNAUTHENTICATED.withDescription(
                                    "the cluster token is missing or wrong; set the same cluster.token on every member"),
                            new Metadata());
                    return new ServerCall.Listener<>() {};
                }
                return next.startCall(call, headers);
            }
        };
    }

    /** Whether a presented token is the right one; takes the same time for every wrong one. */
    public boolean accepts(@Nullable String presented) {
        if (secret == null) {
            return true;
        }
        return presented != null && MessageDigest.isEqual(digest(secret), digest(presented));
    }

    private static byte[] digest(String text) {
        try {
            return MessageDigest.getInstance("SHA-256")
                    .digest(text.getBytes(StandardCharsets.UTF_8));
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("every JDK has SHA-256", e);
        }
    }

    @Override
    public String toString() {
        return secret == null ? "no cluster token" : "cluster token set";
    }
}
