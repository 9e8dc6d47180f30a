package io.baton.decoder;

import io.baton.common.error.BatonException;
import io.baton.common.error.ErrorCode;
import io.baton.common.generation.FinishReason;
import io.baton.common.generation.TokenOutput;
import io.baton.common.kv.KvDtype;
import io.baton.common.kv.KvLayout;
import io.baton.common.testkit.AsciiTokenizer;
import io.baton.engine.EngineLoop;
import io.baton.engine.ModelConfig;
import io.baton.engine.Reservation;
import io.baton.engine.SequenceListener;
import io.baton.engine.SequenceSpec;
import java.lang.foreign.MemorySegment;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * An engine whose answer is a fixed text, one token a call of {@link #step}. It counts blocks as
 * the real one does, and runs on the test's thread.
 */
final class FakeEngine implements EngineLoop {
    static final KvLayout LAYOUT = new KvLayout(2, 1, 8, KvDtype.BF16, 16);

    private final int poolBlocks;
    private final String answer;
    int heldTokens;
    int writes;
    private int usedBlocks;
    private @Nullable Place running;
    private @Nullable SequenceListener listener;
    private boolean started;
    private @Nullable TokenOutput received;
    private int position;

    FakeEngine(int poolBlocks, String answer) {
        this.poolBlocks = poolBlocks;
        this.answer = answer;
    }

    final class Place implements Reservation {
        private final SequenceSpec spec;
        private int held;
        private boolean closed;

        Place(SequenceSpec spec, int held) {
            this.spec = spec;
            this.held = held;
            usedBlocks += blocks();
        }

        private int blocks() {
            return LAYOUT.blocksFor(spec.knownTokens().length);
        }

        @Override
        public SequenceSpec spec() {
            return spec;
        }

        @Override
        public KvLayout layout() {
            return LAYOUT;
        }

        @Override
        public int heldTokens() {
            return held;
        }

        @Override
        public void read(int layer, int firstBlock, MemorySegment target) {
            throw new IllegalStateException("a decoder reads nothing here");
        }

        @Override
        public void write(int layer, int firstBlock, MemorySegment source) {
            if (closed || firstBlock < held / LAYOUT.blockTokens()) {
                throw new IllegalStateException("a write to a closed or held place");
            }
            writes++;
        }

        @Override
        public void keepWritten(int tokens) {
            if (closed || tokens < held || tokens % LAYOUT.blockTokens() != 0) {
                throw new IllegalStateException("kept " + tokens + " after " + held);
            }
            held = tokens;
        }

        @Override
        public void close() {
            if (!closed) {
                closed = true;
                usedBlocks -= blocks();
            }
        }
    }

    @Override
    public ModelConfig config() {
        throw new IllegalStateException("not asked for by attempts");
    }

    @Override
    public synchronized Reservation reserve(SequenceSpec spec) {
        if (usedBlocks + LAYOUT.blocksFor(spec.knownTokens().length) > poolBlocks) {
            throw new BatonException(ErrorCode.KV_POOL_EXHAUSTED, "no room");
        }
        return new Place(spec, heldTokens);
    }

    @Override
    public synchronized void prefill(
            Reservation place, SequenceListener hears, boolean thenDecode) {
        running = (Place) place;
        listener = hears;
        position = place.spec().emitted().length;
    }

    @Override
    public synchronized void decode(Reservation place, TokenOutput next, SequenceListener hears) {
        prefill(place, hears, true);
        received = next;
        started = true;
    }

    @Override
    public synchronized void resume(Reservation place, TokenOutput next, SequenceListener hears) {
        prefill(place, hears, true);
        received = next;
    }

    /** One step: the next token of the answer. */
    synchronized void step() {
        SequenceListener hears = listener;
        if (hears == null) {
            return;
        }
        if (!started) {
            started = true;
            hears.onStarted();
        }
        int token = position < answer.length() ? answer.charAt(position) : AsciiTokenizer.END;
        TokenOutput output = new TokenOutput(position, token, -0.5f, List.of(), null);
        if (received != null) {
            output = received;
            received = null;
        }
        position++;
        boolean goesOn = hears.onToken(output);
        Place place = running;
        if (place == null) {
            return;
        }
        if (!goesOn || output.token() == AsciiTokenizer.END) {
            listener = null;
            hears.onFinished(FinishReason.STOP);
        } else if (position >= place.spec().sampling().maxTokens()) {
            listener = null;
            hears.onFinished(FinishReason.LENGTH);
        }
    }

    synchronized void runToEnd() {
        for (int i = 0; i < 1000 && listener != null; i++) {
            step();
        }
    }

    void breakDown(BatonException error) {
        SequenceListener hears = listener;
        listener = null;
        if (hears != null) {
            hears.onError(error);
        }
    }

    @Override
    public synchronized void cancel(Reservation place) {
        if (place == running) {
            running = null;
            listener = null;
        }
    }

    @Override
    public synchronized Stats stats() {
        int free = poolBlocks - usedBlocks;
        return new Stats(poolBlocks, free, 0, usedBlocks, 0, listener == null ? 0 : 1, 0, 0, 0);
    }

    @Override
    public Counters counters() {
        return new Counters(0, 0, 0, 0, 0, 0, 0, 0, 0);
    }

    @Override
    public void clearCache() {}

    @Override
    public void drain(long nanos) {}

    @Override
    public void close() {}
}
