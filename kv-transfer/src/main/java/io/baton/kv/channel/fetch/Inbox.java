package io.baton.kv.channel.fetch;

import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.util.ArrayDeque;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * What comes from one peer, put in the order of its positions: bytes that came in messages, and
 * ranges of the peer's ring that are fetched into slots of a {@link SlotPool}, a few at a time.
 * What a peer may announce is bounded by its ring, what it may send along by {@link
 * #INLINE_WINDOW}. Loop's thread.
 */
public final class Inbox {
    /** Most bytes of messages that are sent and not yet taken. */
    public static final int INLINE_WINDOW = 64 << 10;

    /** Longest ring of a peer. */
    public static final long MAX_RING_BYTES = 1 << 30;

    private static final int MAX_SLOTS = 4;

    /** Pieces that overtook others; more is no honest peer's. */
    private static final int MAX_EARLY = 64;

    /** The peer broke the rules. */
    public static final class Violation extends Exception {
        private static final long serialVersionUID = 1;

        /** What it did. */
        public Violation(String message) {
            super(message);
        }
    }

    /** Fetches {@code into.byteSize()} bytes at an offset of the peer's ring. */
    @FunctionalInterface
    public interface Fetcher {
        /** Exactly one of the two is run, on the loop's thread. */
        void fetch(long ringOffset, MemorySegment into, Runnable onFetched, Runnable onFailed);
    }

    /** Memory into which is fetched. */
    public interface Slots {
        /** A piece of memory; null if there is none just now. */
        @Nullable MemorySegment take();

        /** Runs {@code task} once, after one came back. */
        void await(Runnable task);

        /** The slot is free again. */
        void giveBack(MemorySegment slot);
    }

    /** Consecutive bytes: with their content, or in the peer's ring. */
    private record Piece(long from, long to, byte @Nullable [] bytes) {}

    /** Bytes on their way to the reader. */
    private static final class Chunk {
        final long from;
        final MemorySegment data;
        final @Nullable MemorySegment slot;
        boolean ready;
        int taken;

        Chunk(long from, MemorySegment data, @Nullable MemorySegment slot) {
            this.from = from;
            this.data = data;
            this.slot = slot;
            this.ready = slot == null;
        }
    }

    private final Slots pool;
    private final Fetcher fetcher;
    private final Runnable onReadable;
    private final TreeMap<Long, Piece> early = new TreeMap<>();
    private final ArrayDeque<Piece> pieces = new ArrayDeque<>();
    private final ArrayDeque<Chunk> chunks = new ArrayDeque<>();
    private long ringBytes;
    private long arrived;
    private long begun;
    private long end = Long.MAX_VALUE;
    private int inlineBytes;
    private int slots;
    private boolean waiting;
    private boolean closed;

    /**
     * An inbox without a ring.
     *
     * @param onReadable called when {@link #read} may give more
     */
    public Inbox(Slots pool, Fetcher fetcher, Runnable onReadable) {
        this.pool = pool;
        this.fetcher = fetcher;
        this.onReadable = onReadable;
    }

    /**
     * The peer's ring is known.
     *
     * @throws Violation if it was before, or is none of 1 to {@link #MAX_RING_BYTES} bytes
     */
    public void ring(long bytes) throws Violation {
        if (ringBytes != 0 || bytes <= 0 || bytes > MAX_RING_BYTES) {
            throw new Violation("a ring of %d bytes after one of %d".formatted(bytes, ringBytes));
        }
        ringBytes = bytes;
        advance();
    }

    /**
     * Bytes came.
     *
     * @throws Violation if they are not awaited, or too many
     */
    public void bytes(long from, byte[] bytes) throws Violation {
        inlineBytes += bytes.length;
        if (inlineBytes > INLINE_WINDOW) {
            throw new Violation(inlineBytes + " bytes in messages, limit " + INLINE_WINDOW);
        }
        add(new Piece(from, Math.addExact(from, bytes.length), bytes));
    }

    /**
     * Bytes wait in the peer's ring.
     *
     * @throws Violation if they are not awaited, or do not fit the ring
     */
    public void published(long from, long to) throws Violation {
        add(new Piece(from, to, null));
    }

    /**
     * The peer sends no byte from this position on.
     *
     * @throws Violation if it has announced some, or said so before
     */
    public void end(long position) throws Violation {
        if (position < arrived || end != Long.MAX_VALUE) {
            throw new Violation("an end at %d after %d".formatted(position, arrived));
        }
        end = position;
        onReadable.run();
    }

    private void add(Piece piece) throws Violation {
        long window = Math.max(ringBytes, INLINE_WINDOW);
        if (piece.from() < arrived
                || piece.to() <= piece.from()
                || piece.to() - released() > window
                || piece.to() > end) {
            throw new Violation(
                    "bytes [%d, %d) where %d are awaited and %d fit"
                            .formatted(piece.from(), piece.to(), arrived, released() + window));
        }
        if (early.put(piece.from(), piece) != null || early.size() > MAX_EARLY) {
            throw new Violation("more than %d pieces out of order".formatted(MAX_EARLY));
        }
        for (Piece next = early.remove(arrived); next != null; next = early.remove(arrived)) {
            append(next);
        }
        advance();
    }

    private void append(Piece piece) {
        arrived = piece.to();
        Piece last = pieces.peekLast();
        if (last != null && last.bytes() == null && piece.bytes() == null) {
            pieces.removeLast();
            pieces.add(new Piece(last.from(), piece.to(), null));
        } else {
            pieces.add(piece);
        }
    }

    /** Begins what can be begun. */
    private void advance() {
        boolean readable = false;
        while (!closed && !pieces.isEmpty()) {
            Piece piece = pieces.getFirst();
            if (piece.bytes() != null) {
                pieces.removeFirst();
                begun = piece.to();
                chunks.add(new Chunk(piece.from(), MemorySegment.ofArray(piece.bytes()), null));
                readable = true;
            } else if (ringBytes == 0 || !fetch(piece)) {
                break;
            }
        }
        if (readable) {
            onReadable.run();
        }
    }

    /** Fetches the first part of a piece; false if there is no slot for it now. */
    private boolean fetch(Piece piece) {
        if (slots == MAX_SLOTS) {
            return false;
        }
        MemorySegment slot = pool.take();
        if (slot == null) {
            if (!waiting) {
                waiting = true;
                pool.await(this::onSlotFree);
            }
            return false;
        }
        slots++;
        long offset = piece.from() % ringBytes;
        long bytes =
                Math.min(Math.min(piece.to() - piece.from(), slot.byteSize()), ringBytes - offset);
        pieces.removeFirst();
        begun = piece.from() + bytes;
        if (begun < piece.to()) {
            pieces.addFirst(new Piece(begun, piece.to(), null));
        }
        Chunk chunk = new Chunk(piece.from(), slot.asSlice(0, bytes), slot);
        chunks.add(chunk);
        fetcher.fetch(offset, chunk.data, () -> onFetched(chunk, slot), () -> giveBack(slot));
        return true;
    }

    private void onSlotFree() {
        waiting = false;
        advance();
    }

    private void onFetched(Chunk chunk, MemorySegment slot) {
        if (closed) {
            giveBack(slot);
        } else {
            chunk.ready = true;
            onReadable.run();
        }
    }

    private void giveBack(MemorySegment slot) {
        slots--;
        pool.giveBack(slot);
    }

    /** Gives what is there: 0 for nothing now, -1 after the end. */
    public int read(ByteBuffer target) {
        int total = 0;
        while (target.hasRemaining()) {
            Chunk chunk = chunks.peekFirst();
            if (chunk == null || !chunk.ready) {
                break;
            }
            int size = (int) chunk.data.byteSize();
            int bytes = Math.min(target.remaining(), size - chunk.taken);
            MemorySegment.copy(chunk.data, chunk.taken, MemorySegment.ofBuffer(target), 0, bytes);
            target.position(target.position() + bytes);
            chunk.taken += bytes;
            total += bytes;
            if (chunk.taken == size) {
                remove(chunk);
            }
        }
        if (total > 0) {
            advance();
        }
        return total == 0 && chunks.isEmpty() && begun == end ? -1 : total;
    }

    private void remove(Chunk chunk) {
        chunks.removeFirst();
        if (chunk.slot != null) {
            giveBack(chunk.slot);
        } else {
            inlineBytes -= (int) chunk.data.byteSize();
        }
    }

    /** Position before which the peer may forget its bytes. */
    public long released() {
        for (Chunk chunk : chunks) {
            if (!chunk.ready || chunk.slot == null) {
                return chunk.from;
            }
        }
        return begun;
    }

    /** Nothing is read any more. Slots that are being filled come back when they are. */
    public void close() {
        closed = true;
        for (Chunk chunk : chunks) {
            if (chunk.ready && chunk.slot != null) {
                giveBack(chunk.slot);
            }
        }
        chunks.clear();
        pieces.clear();
        early.clear();
    }
}
