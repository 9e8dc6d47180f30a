package io.baton.kv.channel.cuda;

import io.baton.common.error.BatonException;
import io.baton.common.error.ErrorCode;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.channels.ClosedChannelException;
import java.nio.channels.SelectionKey;
import java.nio.channels.Selector;
import java.nio.channels.SocketChannel;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * The one thread of a listener or connector that touches CUDA. It takes all steps that wait, waits
 * once for their copies, and tells who asked; so the sockets' thread never waits for a device. What
 * its channels have taken of the driver is freed here, at the latest when the thread ends.
 */
final class CudaThread implements AutoCloseable {
    private static final System.Logger LOG = System.getLogger(CudaThread.class.getName());

    /** A driver that starts a device for the first time takes seconds. */
    private static final Duration OPENING = Duration.ofSeconds(30);

    private static final Duration ENDING = Duration.ofSeconds(2);
    private static final int END_TURNS = 100;
    private static final int END_TURN_MILLIS = 10;

    /** Steps taken before copies are waited for. */
    private static final int MOST_STEPS = 64;

    /** Something to do with the context. */
    @FunctionalInterface
    interface Step {
        void run(CudaDriver.Context context) throws IOException;
    }

    private record Task(Step step, boolean copies, Consumer<@Nullable IOException> done) {}

    private final Thread thread;
    private final Selector lettingGo;
    private final CudaResources owned = new CudaResources();
    // Bounded by the channels: each has at most six steps in it.
    private final Queue<Task> tasks = new ArrayDeque<>();
    private final AtomicInteger retired = new AtomicInteger();
    private boolean ended;
    private volatile boolean stopping;

    private CudaThread(
            String name, CudaDriver driver, int device, CompletableFuture<Boolean> opened) {
        try {
            this.lettingGo = Selector.open();
        } catch (IOException e) {
            throw new UncheckedIOException("no selector could be opened", e);
        }
        this.thread =
                Thread.ofPlatform()
                        .name(name)
                        .daemon(true)
                        .unstarted(() -> run(driver, device, opened));
    }

    /**
     * Starts the thread and opens the device.
     *
     * @throws BatonException CONFIGURATION if the device cannot be opened
     */
    static CudaThread start(String name, CudaDriver driver, int device) {
        CompletableFuture<Boolean> opened = new CompletableFuture<>();
        CudaThread made = new CudaThread(name, driver, device, opened);
        made.thread.start();
        try {
            made.await(opened, OPENING.toNanos());
            return made;
        } catch (IOException e) {
            made.close();
            throw new BatonException(
                    ErrorCode.CONFIGURATION,
                    "the cuda-ipc channel cannot be used: " + e.getMessage(),
                    "kv.channel",
                    e);
        } catch (InterruptedException e) {
            made.close();
            Thread.currentThread().interrupt();
            throw new BatonException(
                    ErrorCode.CONFIGURATION, "opening a CUDA device was interrupted", null, e);
        }
    }

    private <T> T await(CompletableFuture<T> future, long nanos)
            throws IOException, InterruptedException {
        try {
            return future.get(nanos, TimeUnit.NANOSECONDS);
        } catch (ExecutionException e) {
            if (e.getCause() instanceof IOException reason) {
                throw reason;
            }
            throw new IllegalStateException("a step of CUDA failed", e);
        } catch (TimeoutException e) {
            throw new IOException(
                    "the device did not answer in " + TimeUnit.NANOSECONDS.toMillis(nanos) + " ms",
                    e);
        }
    }

    /** Takes a step and waits for it, not longer than so. Any thread but this one. */
    void runNow(Step step, long nanos) throws IOException, InterruptedException {
        CompletableFuture<Boolean> done = new CompletableFuture<>();
        run(
                step,
                failure -> {
                    if (failure == null) {
                        done.complete(true);
                    } else {
                        done.completeExceptionally(failure);
                    }
                });
        await(done, nanos);
    }

    /** Takes a step; {@code done} hears on this thread that it was taken, or why not. */
    void run(Step step, Consumer<@Nullable IOException> done) {
        add(new Task(step, false, done));
    }

    /** As {@link #run}, but {@code done} hears when what was copied is there. */
    void copy(Step step, Consumer<@Nullable IOException> done) {
        add(new Task(step, true, done));
    }

    private void add(Task task) {
        synchronized (tasks) {
            if (!ended) {
                tasks.add(task);
                lettingGo.wakeup();
                return;
            }
        }
        task.done().accept(new IOException("the CUDA device is closed"));
    }

    /** Keeps a resource until {@link #free}, or the end. In a step. */
    void own(CudaResources.Resource resource) {
        owned.add(resource);
    }

    /** Frees a resource of this thread, after all copies to and from it. In a step. */
    void free(CudaDriver.Context context, CudaResources.Resource resource) throws CudaFailure {
        owned.remove(resource);
        try {
            context.synchronize();
        } finally {
            resource.close();
        }
    }

    /**
     * Frees a resource that the peer may have mapped, once the peer has closed the socket, which it
     * does after it let go of the mapping.
     */
    void freeAfter(SocketChannel socket, CudaResources.Resource resource) {
        retired.incrementAndGet();
        run(
                context -> {
                    Retired last = new Retired(context, resource);
                    try {
                        socket.register(lettingGo, SelectionKey.OP_READ, last);
                    } catch (ClosedChannelException e) {
                        letGo(socket, last);
                    }
                },
                failure -> {
                    if (failure != null) {
                        // The thread has ended, and freed all.
                        closeQuietly(socket);
                    }
                });
    }

    /** Resources that wait for a peer to let go. */
    int retired() {
        return retired.get();
    }

    /** What a peer may still have mapped. */
    private record Retired(CudaDriver.Context context, CudaResources.Resource resource) {}

    private void onSocket(SelectionKey key) {
        if (!(key.channel() instanceof SocketChannel socket)
                || !(key.attachment() instanceof Retired last)) {
            return;
        }
        try {
            if (socket.read(ByteBuffer.allocate(4096)) >= 0) {
                return;
            }
        } catch (IOException gone) {
            LOG.log(System.Logger.Level.TRACE, "a peer has gone", gone);
        }
        key.cancel();
        letGo(socket, last);
    }

    private void letGo(SocketChannel socket, Retired last) {
        retired.decrementAndGet();
        try {
            socket.close();
            free(last.context(), last.resource());
        } catch (IOException e) {
            LOG.log(System.Logger.Level.WARNING, "freeing the ring of a KV channel", e);
        }
    }

    private void run(CudaDriver driver, int device, CompletableFuture<Boolean> opened) {
        CudaDriver.Context context;
        try {
            context = driver.open(device);
        } catch (CudaFailure e) {
            end();
            opened.completeExceptionally(e);
            return;
        }
        opened.complete(true);
        try {
            while (!stopping || hasTasks()) {
                turn(context);
            }
            for (int i = 0; i < END_TURNS && retired.get() > 0; i++) {
                lettingGo.select(this::onSocket, END_TURN_MILLIS);
            }
        } catch (IOException e) {
            LOG.log(System.Logger.Level.ERROR, "the CUDA thread of KV channels failed", e);
        } finally {
            end();
            close(context);
        }
    }

    private void turn(CudaDriver.Context context) throws IOException {
        List<Task> copying = new ArrayList<>();
        int steps = 0;
        for (Task task = next(); task != null; task = steps < MOST_STEPS ? next() : null) {
            steps++;
            take(task, context, copying);
        }
        if (!copying.isEmpty()) {
            IOException failure = null;
            try {
                context.synchronize();
            } catch (CudaFailure e) {
                failure = e;
            }
            for (Task task : copying) {
                tell(task, failure);
            }
        }
        if (steps == 0) {
            lettingGo.select(this::onSocket);
        } else {
            lettingGo.selectNow(this::onSocket);
        }
    }

    private void take(Task task, CudaDriver.Context context, List<Task> copying) {
        IOException failure = null;
        try {
            task.step().run(context);
        } catch (IOException e) {
            failure = e;
        }
        if (failure == null && task.copies()) {
            copying.add(task);
        } else {
            tell(task, failure);
        }
    }

    private static void tell(Task task, @Nullable IOException failure) {
        try {
            task.done().accept(failure);
        } catch (RuntimeException e) {
            LOG.log(System.Logger.Level.ERROR, "the end of a copy could not be told", e);
        }
    }

    private @Nullable Task next() {
        synchronized (tasks) {
            return tasks.poll();
        }
    }

    private boolean hasTasks() {
        synchronized (tasks) {
            return !tasks.isEmpty();
        }
    }

    private void end() {
        synchronized (tasks) {
            ended = true;
        }
        for (Task task = next(); task != null; task = next()) {
            tell(task, new IOException("the CUDA device is closed"));
        }
        for (SelectionKey key : lettingGo.keys()) {
            closeQuietly(key.channel());
        }
        closeQuietly(lettingGo);
    }

    private static void closeQuietly(java.io.Closeable closeable) {
        try {
            closeable.close();
        } catch (IOException e) {
            LOG.log(System.Logger.Level.DEBUG, "closing a socket", e);
        }
    }

    private void close(CudaDriver.Context context) {
        try {
            // What is freed must not be copied to or from any more.
            context.synchronize();
        } catch (CudaFailure e) {
            LOG.log(System.Logger.Level.DEBUG, "the last copies", e);
        }
        try {
            owned.close();
        } catch (CudaFailure e) {
            LOG.log(System.Logger.Level.WARNING, "freeing what KV channels had", e);
        }
        try {
            context.close();
        } catch (CudaFailure e) {
            LOG.log(System.Logger.Level.WARNING, "closing a CUDA device", e);
        }
    }

    /** Takes what steps there are, waits a little for peers to let go, and frees everything. */
    @Override
    public void close() {
        stopping = true;
        lettingGo.wakeup();
        try {
            if (!thread.join(ENDING.plusMillis((long) END_TURNS * END_TURN_MILLIS))) {
                LOG.log(System.Logger.Level.WARNING, "a CUDA device does not answer; left behind");
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}
