package io.baton.kv.channel;

import java.nio.ByteBuffer;
import org.jspecify.annotations.Nullable;

/**
 * Memory of a handler that a payload is read into as it comes. Until {@link #verified} it may hold
 * anything, so nobody may use it. On the loop's thread; {@link #enter} keeps other threads from
 * taking the memory away until {@link #leave}.
 */
public interface PayloadPlace {
    /**
     * The memory in its order, as long as the payload; what remains in the buffers is still to
     * come. Null, and nothing to leave, if the payload is no longer wanted: the memory may be
     * another's by now.
     */
    ByteBuffer @Nullable [] enter();

    /** Others may take the memory away again. */
    void leave();

    /** All has come and its checksum holds; the end of the place. */
    void verified();

    /** The rest will not come, or what came was wrong; the end of the place. */
    void dropped();
}
