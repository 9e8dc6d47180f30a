package io.baton.prefiller;

import io.baton.engine.Reservation;

/**
 * Where an attempt stands.
 *
 * <pre>
 * OPENING --reserved, queued--> QUEUED --first step--> COMPUTING --first token--> FLUSHING --all taken--> ENDED
 *                                  |                       |                         |
 *                                  +-----------------------+--too slow: text---------+--> YIELDED
 * </pre>
 *
 * Cancel, failure, deadline and a lost channel lead from every state to ENDED.
 */
sealed interface PrefillState {
    /** The channel is being opened; nothing is held. */
    record Opening() implements PrefillState {}

    /** What is held from here on; the pusher frees it at its end. */
    record Held(Reservation place, KvPusher pusher) {}

    record Queued(Held held, long sinceNanos) implements PrefillState {}

    record Computing(Held held, long queueNanos, long sinceNanos) implements PrefillState {}

    record Flushing(Held held, long queueNanos, long prefillNanos, long sinceNanos)
            implements PrefillState {}

    /** The decoder is to compute the rest; the transfer stays open until the call ends. */
    record Yielded(Held held) implements PrefillState {}

    record Ended() implements PrefillState {}
}
