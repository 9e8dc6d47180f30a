package io.baton.kv.channel.ucx;

import io.baton.common.error.BatonException;
import io.baton.common.error.ErrorCode;
import io.baton.kv.channel.ChannelGroup;
import io.baton.kv.channel.ChannelLoop;
import io.baton.kv.channel.ChannelOptions;
import io.baton.kv.channel.FramedChannel;
import io.baton.kv.channel.Handshake;
import io.baton.kv.channel.LoopThread;
import io.baton.kv.channel.fetch.SlotPool;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.net.InetSocketAddress;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.openucx.jucx.UcxException;
import org.openucx.jucx.ucp.UcpAmData;
import org.openucx.jucx.ucp.UcpConnectionRequest;
import org.openucx.jucx.ucp.UcpConstants;
import org.openucx.jucx.ucp.UcpContext;
import org.openucx.jucx.ucp.UcpEndpoint;
import org.openucx.jucx.ucp.UcpEndpointParams;
import org.openucx.jucx.ucp.UcpListener;
import org.openucx.jucx.ucp.UcpListenerParams;
import org.openucx.jucx.ucp.UcpParams;
import org.openucx.jucx.ucp.UcpWorker;
import org.openucx.jucx.ucp.UcpWorkerParams;
import org.openucx.jucx.ucs.UcsConstants;

/**
 * One UCX worker and the one thread that touches it: runs tasks, moves UCX on, and sleeps on the
 * worker's event descriptor when there is nothing to do.
 */
final class UcxLoop implements ChannelLoop {
    private static final System.Logger LOG = System.getLogger(UcxLoop.class.getName());

    private static final int END_TURNS = 100;
    private static final int END_TURN_MILLIS = 10;

    /** Bytes that wait for the peer to fetch them, on the side that sends KV and on the other. */
    private static final int SENDER_RING_BYTES = 4 << 20;

    private static final int RECEIVER_RING_BYTES = 256 << 10;

    /** Looks without sleep while fetches are under way: they mostly end within microseconds. */
    private static final int SPINS = 200;

    private static final int PROGRESS_TURNS = 64;

    private final ChannelGroup group;
    private final UcpContext context;
    private final UcpWorker worker;
    private final long workerHandle;
    private final MemorySegment poll;
    private final Arena memory = Arena.ofShared();
    private final SlotPool pool = new SlotPool(this::slots);
    private @Nullable RegisteredMemory slots;
    private final LoopThread thread;
    private final int timeoutMillis;
    private final Map<Long, UcxTransport> byEndpoint = new HashMap<>();
    private final Set<UcxTransport> transports = new HashSet<>();
    private @Nullable UcpListener listener;
    private int working;

    /**
     * Opens a worker.
     *
     * @param settings of UCX, without the prefix UCX_
     * @throws BatonException CONFIGURATION if UCX cannot
     */
    UcxLoop(String name, ChannelGroup group, Map<String, String> settings) {
        this.group = group;
        this.timeoutMillis =
                (int) Math.clamp(group.options().bounds().tickNanos() / 1_000_000, 1, 1000);
        try {
            UcpParams params =
                    new UcpParams().requestAmFeature().requestRmaFeature().requestWakeupFeature();
            settings.forEach(params::setConfig);
            this.context = new UcpContext(params);
            this.worker =
                    context.newWorker(
                            new UcpWorkerParams()
                                    .requestWakeupRX()
                                    .requestWakeupTX()
                                    .requestWakeupRMA());
        } catch (UcxException e) {
            throw new BatonException(
                    ErrorCode.CONFIGURATION,
                    "UCX cannot open a worker: " + e.getMessage(),
                    "kv.channel",
                    e);
        }
        this.workerHandle = worker.getNativeId();
        int descriptor = UcxNative.eventDescriptor(workerHandle);
        if (descriptor < 0) {
            worker.close();
            context.close();
            throw new BatonException(
                    ErrorCode.CONFIGURATION,
                    "UCX's transports cannot wake a sleeping thread; name others in UCX_TLS",
                    "kv.channel");
        }
        this.poll = UcxNative.pollDescriptor(memory, descriptor);
        worker.setAmRecvHandler(
                UcxTransport.MESSAGE_ID, this::onMessage, UcpConstants.UCP_AM_FLAG_WHOLE_MSG);
        this.thread = new LoopThread(name, group, this::run, this::wake);
    }

    UcpContext context() {
        return context;
    }

    UcpWorker worker() {
        return worker;
    }

    SlotPool pool() {
        return pool;
    }

    private MemorySegment slots() {
        RegisteredMemory made = new RegisteredMemory(context, SlotPool.BYTES);
        slots = made;
        return made.memory();
    }

    @Override
    public ChannelGroup group() {
        return group;
    }

    /** Counts fetches under way. Loop's thread. */
    void working(int more) {
        working += more;
    }

    long lingerDeadlineNanos() {
        ChannelOptions options = group.options();
        return options.ticker().nanos() + options.bounds().lingerNanos();
    }

    void add(long endpoint, UcxTransport transport) {
        byEndpoint.put(endpoint, transport);
    }

    /**
     * Listens; before {@link #start}. The address in use has the real port.
     *
     * @throws BatonException CONFIGURATION if the address cannot be listened on
     */
    InetSocketAddress listen(InetSocketAddress address) {
        try {
            UcpListener made =
                    worker.newListener(
                            new UcpListenerParams()
                                    .setSockAddr(address)
                                    .setConnectionHandler(
                                            request -> execute(() -> accept(request))));
            listener = made;
            return made.getAddress();
        } catch (UcxException e) {
            throw new BatonException(
                    ErrorCode.CONFIGURATION,
                    "cannot listen for KV over UCX on %s: %s".formatted(address, e.getMessage()),
                    "kv.host",
                    e);
        }
    }

    void start() {
        thread.start();
    }

    private void accept(UcpConnectionRequest request) {
        int most = group.options().bounds().maxChannels();
        // Channels that are closing hold memory as well.
        if (thread.isStopping() || group.isFull() || transports.size() >= 2 * most) {
            LOG.log(
                    System.Logger.Level.WARNING,
                    "refused a KV channel over UCX: {0} are open, the limit",
                    most);
            request.reject();
            return;
        }
        UcxTransport transport = new UcxTransport(this, RECEIVER_RING_BYTES);
        transport.join(new FramedChannel(this, transport, new Handshake.Receiver(group.options())));
        transports.add(transport);
        transport.open(new UcpEndpointParams().setConnectionRequest(request));
    }

    /** Starts to connect. Any thread. */
    FramedChannel connect(InetSocketAddress address) {
        if (thread.isStopping()) {
            throw new BatonException(ErrorCode.DRAINING, "the KV channels are closed");
        }
        UcxTransport transport;
        try {
            transport = new UcxTransport(this, SENDER_RING_BYTES);
        } catch (UcxException e) {
            throw new BatonException(
                    ErrorCode.KV_TRANSFER_FAILED,
                    "cannot connect over UCX to %s: %s".formatted(address, e.getMessage()),
                    null,
                    e);
        }
        FramedChannel channel =
                new FramedChannel(this, transport, new Handshake.Sender(group.options()));
        transport.join(channel);
        execute(
                () -> {
                    transports.add(transport);
                    channel.start();
                    transport.open(new UcpEndpointParams().setSocketAddress(address));
                });
        return channel;
    }

    private int onMessage(long header, long headerBytes, UcpAmData data, UcpEndpoint from) {
        try {
            UcxTransport transport = byEndpoint.get(from.getNativeId());
            if (transport != null && (data.isDataValid() || data.getLength() == 0)) {
                transport.onMessage(
                        MemorySegment.ofAddress(header).reinterpret(headerBytes),
                        data.getLength() == 0
                                ? MemorySegment.NULL
                                : MemorySegment.ofAddress(data.getDataAddress())
                                        .reinterpret(data.getLength()));
            }
        } catch (RuntimeException e) {
            // Nothing may be thrown through UCX's C code.
            LOG.log(System.Logger.Level.ERROR, "a UCX message failed", e);
        }
        return UcsConstants.STATUS.UCS_OK;
    }

    @Override
    public void execute(Runnable task) {
        thread.execute(task);
    }

    private void wake() {
        if (!thread.isCurrent()) {
            worker.signal();
        }
    }

    private void run() {
        try {
            int idle = 0;
            while (!thread.isStopping() || !group.isEmpty()) {
                boolean moved = progress();
                moved |= thread.runTasks();
                group.tick();
                freeClosed();
                if (moved) {
                    idle = 0;
                } else if (working > 0 && idle++ < SPINS) {
                    Thread.onSpinWait();
                } else {
                    idle = 0;
                    sleep(timeoutMillis);
                }
            }
        } catch (RuntimeException e) {
            LOG.log(System.Logger.Level.ERROR, "a UCX channel loop failed", e);
            group.abortAll(
                    new BatonException(
                            ErrorCode.INTERNAL, "the KV channel loop failed: " + e, null, e));
        } finally {
            end();
        }
    }

    private boolean progress() {
        int turns = 0;
        while (turns < PROGRESS_TURNS && progressOnce()) {
            turns++;
        }
        return turns > 0;
    }

    private boolean progressOnce() {
        try {
            return worker.progress() != 0;
        } catch (Exception e) {
            throw new IllegalStateException("UCX failed to go on", e);
        }
    }

    private void sleep(int millis) {
        if (UcxNative.arm(workerHandle) && !thread.hasTasks()) {
            UcxNative.await(poll, millis);
        }
    }

    private void freeClosed() {
        long now = group.options().ticker().nanos();
        List<UcxTransport> freed = new ArrayList<>(0);
        for (UcxTransport transport : transports) {
            if (transport.isClosing() && transport.isFreed(now)) {
                freed.add(transport);
            }
        }
        freed.forEach(this::forget);
    }

    private void forget(UcxTransport transport) {
        transports.remove(transport);
        byEndpoint.values().remove(transport);
    }

    /** Lets endpoints end for a bounded time, then closes the worker with what is left. */
    private void end() {
        UcpListener listening = listener;
        if (listening != null) {
            listening.close();
        }
        thread.runTasks();
        for (int turn = 0; turn < END_TURNS && !transports.isEmpty(); turn++) {
            if (!progress()) {
                sleep(END_TURN_MILLIS);
            }
            thread.runTasks();
            freeClosed();
        }
        thread.end();
        worker.close();
        transports.forEach(UcxTransport::dispose);
        transports.clear();
        RegisteredMemory registered = slots;
        if (registered != null) {
            registered.close();
        }
        context.close();
        memory.close();
    }

    /** As {@link LoopThread#close}. */
    void close(BatonException reason) {
        thread.close(reason);
    }
}
