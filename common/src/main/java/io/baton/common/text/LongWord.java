package io.baton.common.text;

import java.util.function.IntConsumer;

/** Merges a long word's symbols by a heap on (rank, place). Used once. */
final class LongWord {
    private final PairTable table;
    private final int[] symbols;
    private final int count;
    private final int[] next;
    private final int[] previous;
    private final boolean[] gone;
    private final LongHeap queue;

    /** The first {@code count} of {@code symbols} are changed in place. */
    LongWord(PairTable table, int[] symbols, int count) {
        this.table = table;
        this.symbols = symbols;
        this.count = count;
        next = new int[count];
        previous = new int[count];
        gone = new boolean[count];
        queue = new LongHeap(count);
        for (int i = 0; i < count; i++) {
            next[i] = i + 1;
            previous[i] = i - 1;
        }
    }

    /** Merges all that can be merged; hears the symbols that remain, in order. */
    void merge(IntConsumer sink) {
        for (int i = 0; i < count; i++) {
            offer(i);
        }
        while (!queue.isEmpty()) {
            long top = queue.pop();
            int left = (int) top;
            if (gone[left] || next[left] >= count) {
                continue;
            }
            int right = next[left];
            long merge = table.find(symbols[left], symbols[right]);
            // Ranks are of one pair each, so an equal rank is the queued merge itself.
            if (merge == PairTable.NONE || merge >> 32 != top >> 32) {
                continue;
            }
            symbols[left] = (int) merge;
            gone[right] = true;
            next[left] = next[right];
            if (next[left] < count) {
                previous[next[left]] = left;
            }
            offer(left);
            offer(previous[left]);
        }
        for (int i = 0; i < count; i = next[i]) {
            sink.accept(symbols[i]);
        }
    }

    private void offer(int left) {
        if (left >= 0 && next[left] < count) {
            long merge = table.find(symbols[left], symbols[next[left]]);
            if (merge != PairTable.NONE) {
                queue.push((merge & 0xFFFFFFFF00000000L) | left);
            }
        }
    }
}
