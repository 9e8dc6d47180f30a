package io.baton.kv.codec.klt;

import static java.lang.foreign.ValueLayout.JAVA_FLOAT;

import io.baton.kernels.transform.HeadTransform;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/**
 * Cosines and sines of one kind of layer, by blocks as {@link HeadTransform} reads them; grown as
 * far as positions are asked for. Any thread.
 */
final class TurnTable {
    /** Positions that keys may have. */
    static final int MOST_POSITIONS = 1 << 20;

    private static final int TOKENS = HeadTransform.BLOCK_TOKENS;
    private static final int FIRST_BLOCKS = 64;

    private final float[] angles;
    private final boolean interleaved;
    private volatile Blocks blocks = new Blocks(0, MemorySegment.NULL, MemorySegment.NULL);

    TurnTable(float[] angles, boolean interleaved) {
        this.angles = angles;
        this.interleaved = interleaved;
    }

    private record Blocks(int count, MemorySegment cos, MemorySegment sin) {}

    boolean isOf(KltModel.Layer layer) {
        return layer.interleaved() == interleaved
                && java.util.Arrays.equals(layer.angles(), angles);
    }

    /** The turns of consecutive blocks, whose positions are below {@link #MOST_POSITIONS}. */
    HeadTransform.Turn of(int firstBlock, int count) {
        Blocks have = blocks;
        if (have.count() < firstBlock + count) {
            have = grow(firstBlock + count);
        }
        long bytes = 4L * angles.length * TOKENS;
        return new HeadTransform.Turn(
                2 * angles.length,
                interleaved,
                have.cos().asSlice(firstBlock * bytes, count * bytes),
                have.sin().asSlice(firstBlock * bytes, count * bytes));
    }

    private synchronized Blocks grow(int need) {
        Blocks have = blocks;
        if (have.count() >= need) {
            return have;
        }
        int count = Math.max(FIRST_BLOCKS, 2 * have.count());
        while (count < need) {
            count *= 2;
        }
        long bytes = 4L * angles.length * TOKENS * count;
        Arena arena = Arena.ofAuto();
        Blocks next = new Blocks(count, arena.allocate(bytes, 64), arena.allocate(bytes, 64));
        next.cos().copyFrom(have.cos());
        next.sin().copyFrom(have.sin());
        for (int block = have.count(); block < count; block++) {
            fill(next, block);
        }
        blocks = next;
        return next;
    }

    private void fill(Blocks next, int block) {
        long at = (long) block * angles.length * TOKENS;
        for (float perPosition : angles) {
            for (int t = 0; t < TOKENS; t++) {
                double angle = (double) perPosition * (block * TOKENS + t);
                next.cos().setAtIndex(JAVA_FLOAT, at, (float) StrictMath.cos(angle));
                next.sin().setAtIndex(JAVA_FLOAT, at, (float) StrictMath.sin(angle));
                at++;
            }
        }
    }
}
