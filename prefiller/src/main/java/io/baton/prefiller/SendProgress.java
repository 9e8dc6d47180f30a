package io.baton.prefiller;

import io.baton.common.kv.KvLayout;
import java.util.concurrent.atomic.AtomicIntegerArray;
import org.jspecify.annotations.Nullable;

/**
 * Which blocks of which layers may be sent next. A block is ready in a layer when its last known
 * token is computed there; so the partial last block comes at the end. The engine's thread reports,
 * the sender's thread asks.
 */
final class SendProgress {
    private final KvLayout layout;
    private final int chunkBlocks;
    private final int knownTokens;
    private final AtomicIntegerArray computedTokens;
    private final int[] sentBlocks;

    /** Consecutive blocks of one layer, all of one chunk. */
    record Piece(int layer, int firstBlock, int blocks) {}

    /**
     * @param knownTokens tokens of the sequence
     * @param heldHere tokens whose KV was found in this prefiller's own pool
     * @param heldThere tokens that the decoder holds, a multiple of the block: never sent
     */
    SendProgress(KvLayout layout, int chunkTokens, int knownTokens, int heldHere, int heldThere) {
        this.layout = layout;
        this.chunkBlocks = chunkTokens / layout.blockTokens();
        this.knownTokens = knownTokens;
        this.computedTokens = new AtomicIntegerArray(layout.layers());
        this.sentBlocks = new int[layout.layers()];
        for (int layer = 0; layer < layout.layers(); layer++) {
            computedTokens.set(layer, heldHere);
            sentBlocks[layer] = heldThere / layout.blockTokens();
        }
    }

    /** The engine has computed all tokens before {@code toToken} in a layer. */
    void computed(int layer, int toToken) {
        computedTokens.accumulateAndGet(layer, toToken, Math::max);
    }

    /**
     * The next piece to send, earlier chunks first, in them lower layers; null if none is ready. So
     * that what has arrived, when the rest does not, is a prefix of the prompt.
     */
    @Nullable Piece next() {
        int best = -1;
        for (int layer = 0; layer < sentBlocks.length; layer++) {
            boolean ready = sentBlocks[layer] < readyBlocks(computedTokens.get(layer));
            if (ready
                    && (best < 0
                            || sentBlocks[layer] / chunkBlocks < sentBlocks[best] / chunkBlocks)) {
                best = layer;
            }
        }
        if (best < 0) {
            return null;
        }
        int first = sentBlocks[best];
        int chunkEnd = (first / chunkBlocks + 1) * chunkBlocks;
        int ready = readyBlocks(computedTokens.get(best));
        return new Piece(best, first, Math.min(ready, chunkEnd) - first);
    }

    /** The chunk of a piece. */
    int chunkOf(Piece piece) {
        return piece.firstBlock() / chunkBlocks;
    }

    int chunkTokens() {
        return chunkBlocks * layout.blockTokens();
    }

    int knownTokens() {
        return knownTokens;
    }

    /** Tokens that are computed in every layer. */
    int computedTokens() {
        return computedTokens.get(computedTokens.length() - 1);
    }

    /** A piece was taken by the channel. */
    void sent(Piece piece) {
        sentBlocks[piece.layer()] = piece.firstBlock() + piece.blocks();
    }

    /** Whether every block of every layer was sent. */
    boolean isDone() {
        int all = layout.blocksFor(knownTokens);
        for (int sent : sentBlocks) {
            if (sent < all) {
                return false;
            }
        }
        return true;
    }

    private int readyBlocks(int computed) {
        return computed >= knownTokens
                ? layout.blocksFor(knownTokens)
                : computed / layout.blockTokens();
    }
}
