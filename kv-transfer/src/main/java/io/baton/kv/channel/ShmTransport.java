package io.baton.kv.channel;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.channels.SelectionKey;
import java.nio.channels.SocketChannel;
import java.nio.file.attribute.UserPrincipal;
import java.util.concurrent.atomic.AtomicBoolean;
import org.jspecify.annotations.Nullable;

/**
 * Bytes through rings in shared memory, beside a local socket that carries only signs: a byte wakes
 * a side that sleeps, and the socket's end tells at once that the peer is gone, however it went.
 *
 * <p>A reader looks a little longer before it sleeps, so that a stream and a quick question cost no
 * system call each.
 */
final class ShmTransport implements SelectedTransport {
    private static final System.Logger LOG = System.getLogger(ShmTransport.class.getName());

    /** Looks before a reader sleeps, some 20 µs; with one processor the writer needs it. */
    private static final int LOOKS = Runtime.getRuntime().availableProcessors() > 1 ? 400 : 0;

    private final ChannelLoop loop;
    private final SocketChannel socket;
    private final Arena memory = Arena.ofShared();
    private final UserPrincipal owner;
    private final @Nullable ShmFile made;
    private final ByteBuffer signs = ByteBuffer.allocateDirect(ShmSetup.MOST_BYTES);
    private final AtomicBoolean readScheduled = new AtomicBoolean();
    private final AtomicBoolean writeScheduled = new AtomicBoolean();
    private volatile boolean writeWanted;
    private volatile @Nullable FramedChannel channel;
    private volatile @Nullable SelectionKey key;
    private volatile @Nullable ShmWriter writer;
    private @Nullable ShmReader reader;
    private boolean ended;
    private boolean busy;

    /** The side that listens: the memory comes with the setup. */
    ShmTransport(ChannelLoop loop, SocketChannel socket, UserPrincipal owner) {
        this.loop = loop;
        this.socket = socket;
        this.owner = owner;
        this.made = null;
    }

    /** The side that connects, with memory it has made. */
    ShmTransport(ChannelLoop loop, SocketChannel socket, ShmFile file, ShmLayout layout)
            throws IOException {
        this.loop = loop;
        this.socket = socket;
        this.owner = file.owner();
        this.made = file;
        MemorySegment all = file.map(layout, memory);
        reader = new ShmReader(layout.toSender(all));
        writer = new ShmWriter(layout.toReceiver(all));
    }

    @Override
    public SocketChannel socket() {
        return socket;
    }

    @Override
    public void attach(SelectionKey registered, FramedChannel owningChannel) {
        channel = owningChannel;
        key = registered;
    }

    @Override
    public void onReady() {
        FramedChannel owning = channel;
        if (owning == null) {
            return;
        }
        if (writeWanted) {
            writeWanted = false;
            owning.onWritable();
        }
        owning.onReadable();
    }

    @Override
    public long write(ByteBuffer[] buffers, int count) throws IOException {
        ShmWriter to = writer;
        if (to == null) {
            return 0;
        }
        long written = to.write(buffers, count);
        if (written > 0 && to.mustWakeReader()) {
            sign();
        }
        return written;
    }

    @Override
    public boolean isMemory() {
        return true;
    }

    @Override
    public ByteBuffer peek() throws IOException {
        ShmReader from = reader;
        if (from == null) {
            return NOTHING;
        }
        if (busy) {
            for (int i = 0; i < LOOKS && from.available() == 0; i++) {
                Thread.onSpinWait();
            }
            busy = false;
        }
        return from.piece();
    }

    @Override
    public void skip(int bytes) throws IOException {
        ShmReader from = reader;
        if (from != null) {
            busy = true;
            from.skip(bytes);
            wakeWriter(from);
        }
    }

    @Override
    public int read(ByteBuffer target) throws IOException {
        ShmReader from = reader;
        if (from == null) {
            from = open();
            if (from == null) {
                return ended ? -1 : 0;
            }
        }
        from.awake();
        if (from.available() == 0) {
            hearSigns();
            from.askForBytes();
        }
        int bytes = from.read(target);
        if (bytes == 0) {
            return ended ? -1 : 0;
        }
        busy = true;
        wakeWriter(from);
        return bytes;
    }

    private void wakeWriter(ShmReader from) throws IOException {
        if (from.mustWakeWriter()) {
            sign();
        }
    }

    /** Reads the setup and maps what it names; null if not all of it is there. */
    private @Nullable ShmReader open() throws IOException {
        ended = socket.read(signs) < 0;
        ShmSetup setup = ShmSetup.decode(signs.flip());
        if (setup == null) {
            signs.compact();
            return null;
        }
        MemorySegment all = ShmFile.open(setup.path(), owner, setup.layout(), memory);
        ShmReader opened = new ShmReader(setup.layout().toReceiver(all));
        reader = opened;
        writer = new ShmWriter(setup.layout().toSender(all));
        // The peer sees that the memory is mapped, and takes its name away.
        sign();
        return opened;
    }

    /** Takes the signs that came; they say nothing but that they came. */
    private void hearSigns() throws IOException {
        int come;
        do {
            come = socket.read(signs.clear());
            if (come > 0) {
                onSign();
            }
        } while (come == signs.capacity());
        ended |= come < 0;
    }

    private void onSign() {
        if (made != null) {
            made.close();
        }
        if (writeWanted && writeScheduled.compareAndSet(false, true)) {
            // The sign for a writer that began to wait after the socket was last looked at.
            loop.execute(this::writeAgain);
        }
    }

    /** Wakes the peer. If the socket is full, it has enough to wake up from. */
    private void sign() throws IOException {
        socket.write(ByteBuffer.allocate(1));
    }

    @Override
    public void wantWrite() {
        ShmWriter to = writer;
        if (to == null) {
            return;
        }
        writeWanted = true;
        to.askForRoom();
        try {
            if (to.hasMuchRoom() && writeScheduled.compareAndSet(false, true)) {
                loop.execute(this::writeAgain);
            }
        } catch (IOException e) {
            // The next write says so to the one who can tell.
            LOG.log(System.Logger.Level.TRACE, "the ring is broken", e);
            loop.execute(this::writeAgain);
        }
    }

    private void writeAgain() {
        writeScheduled.set(false);
        writeWanted = false;
        FramedChannel owning = channel;
        if (owning != null) {
            owning.onWritable();
        }
    }

    @Override
    public void readLater() {
        if (!readScheduled.getAndSet(true)) {
            loop.execute(
                    () -> {
                        readScheduled.set(false);
                        FramedChannel owning = channel;
                        if (owning != null) {
                            owning.onReadable();
                        }
                    });
        }
    }

    @Override
    public void finishWriting() {
        try {
            socket.shutdownOutput();
        } catch (IOException e) {
            // The peer was faster; the read that follows tells the channel.
            LOG.log(System.Logger.Level.TRACE, "shutting down the output", e);
        }
    }

    @Override
    public void close() {
        if (made != null) {
            made.close();
        }
        try {
            socket.close();
        } catch (IOException e) {
            LOG.log(System.Logger.Level.DEBUG, "closing a socket", e);
        }
        SelectionKey registered = key;
        if (registered != null) {
            registered.selector().wakeup();
        }
    }

    @Override
    public void freeMemory() {
        memory.close();
    }
}
