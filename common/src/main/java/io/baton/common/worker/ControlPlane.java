package io.baton.common.worker;

import io.baton.common.error.BatonException;
import io.baton.common.error.ErrorCode;
import io.grpc.ManagedChannel;
import io.grpc.Server;
import io.grpc.ServerServiceDefinition;
import io.grpc.netty.NettyChannelBuilder;
import io.grpc.netty.NettyServerBuilder;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.UnknownHostException;
import java.util.List;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;

/**
 * Makes the gRPC servers and channels of the control plane, all with the same limits.
 *
 * <p>Keep-alive: a side that hears nothing for 5 s asks, and gives up 2 s later. gRPC raises the
 * client's 5 s to 10 s; the heartbeat lease of the router is the faster detector there.
 */
public final class ControlPlane {
    /** Most bytes of one message: a prompt of a million tokens fits. */
    public static final int MAX_MESSAGE_BYTES = 8 << 20;

    private static final int MAX_METADATA_BYTES = 16 << 10;
    private static final int MAX_CALLS_PER_CONNECTION = 4096;
    private static final long KEEP_ALIVE_SECONDS = 5;
    private static final long KEEP_ALIVE_TIMEOUT_SECONDS = 2;
    private static final long PERMITTED_KEEP_ALIVE_SECONDS = 2;

    private ControlPlane() {}

    /**
     * Starts a server.
     *
     * @param host address to listen on; other than loopback only with a token
     * @param port 0 for any free one
     * @throws BatonException CONFIGURATION if the address cannot be used
     */
    public static Server listen(
            String host, int port, ClusterToken token, List<ServerServiceDefinition> services) {
        token.requireFor(host);
        try {
            NettyServerBuilder builder =
                    NettyServerBuilder.forAddress(
                                    new InetSocketAddress(InetAddress.getByName(host), port))
                            .executor(Executors.newVirtualThreadPerTaskExecutor())
                            .intercept(token.server())
                            .maxInboundMessageSize(MAX_MESSAGE_BYTES)
                            .maxInboundMetadataSize(MAX_METADATA_BYTES)
                            .maxConcurrentCallsPerConnection(MAX_CALLS_PER_CONNECTION)
                            .keepAliveTime(KEEP_ALIVE_SECONDS, TimeUnit.SECONDS)
                            .keepAliveTimeout(KEEP_ALIVE_TIMEOUT_SECONDS, TimeUnit.SECONDS)
                            .permitKeepAliveTime(PERMITTED_KEEP_ALIVE_SECONDS, TimeUnit.SECONDS)
                            .permitKeepAliveWithoutCalls(true);
            services.forEach(builder::addService);
            return builder.build().start();
        } catch (UnknownHostException e) {
            throw unusable(host, port, "the name cannot be resolved", e);
        } catch (IOException e) {
            throw unusable(host, port, String.valueOf(e.getMessage()), e);
        }
    }

    /**
     * A channel to {@code host:port}. It connects on first use; the caller shuts it down.
     *
     * @throws BatonException CONFIGURATION if the address is not {@code host:port}
     */
    public static ManagedChannel connect(String address, ClusterToken token) {
        HostPort target = HostPort.parse(address);
        return NettyChannelBuilder.forAddress(target.host(), target.port())
                .usePlaintext()
                .intercept(token.client())
                .maxInboundMessageSize(MAX_MESSAGE_BYTES)
                .maxInboundMetadataSize(MAX_METADATA_BYTES)
                .keepAliveTime(KEEP_ALIVE_SECONDS, TimeUnit.SECONDS)
                .keepAliveTimeout(KEEP_ALIVE_TIMEOUT_SECONDS, TimeUnit.SECONDS)
                .keepAliveWithoutCalls(true)
                .build();
    }

    private static BatonException unusable(String host, int port, String why, Exception cause) {
        return new BatonException(
                ErrorCode.CONFIGURATION,
                "cannot listen on %s:%d: %s; choose another port or host"
                        .formatted(host, port, why),
                "port",
                cause);
    }
}
