package io.baton.kv.transfer;

import io.baton.kv.frame.FrameHeader;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.BitSet;
import org.jspecify.annotations.Nullable;

/**
 * The fragments of one coded part on their way to being whole. Memory is bounded by the fragment
 * count, which the frame rules bound by the negotiated shape.
 */
final class Assembly {
    private final int fragmentCount;
    private final int rawBytes;
    private final int codecId;
    private final int codecLevel;
    private final long codecProfile;
    private final MemorySegment memory;
    private final BitSet arrived;
    private long lastBytes;

    Assembly(FrameHeader first) {
        this.fragmentCount = first.fragmentCount();
        this.rawBytes = first.rawBytes();
        this.codecId = first.codecId();
        this.codecLevel = first.codecLevel();
        this.codecProfile = first.codecProfile();
        this.memory = Arena.ofAuto().allocate((long) fragmentCount * FrameHeader.MAX_PAYLOAD_BYTES);
        this.arrived = new BitSet(fragmentCount);
    }

    /** Whether a fragment is of the same coding of the part. */
    boolean fits(FrameHeader header) {
        return header.fragmentCount() == fragmentCount
                && header.rawBytes() == rawBytes
                && header.codecId() == codecId
                && header.codecLevel() == codecLevel
                && header.codecProfile() == codecProfile;
    }

    boolean has(int fragment) {
        return arrived.get(fragment);
    }

    /** Takes a fragment; the whole part if it was the last one missing, else null. */
    @Nullable MemorySegment add(int fragment, MemorySegment payload) {
        MemorySegment.copy(
                payload,
                0,
                memory,
                (long) fragment * FrameHeader.MAX_PAYLOAD_BYTES,
                payload.byteSize());
        arrived.set(fragment);
        if (fragment == fragmentCount - 1) {
            lastBytes = payload.byteSize();
        }
        if (arrived.cardinality() < fragmentCount) {
            return null;
        }
        long before = (long) (fragmentCount - 1) * FrameHeader.MAX_PAYLOAD_BYTES;
        return memory.asSlice(0, before + lastBytes);
    }
}
