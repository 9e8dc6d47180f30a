package io.baton.router.dispatch;

import io.baton.common.error.ErrorCode;
import io.baton.common.proto.DecodeEvent;
import io.baton.common.proto.PrefillEvent;

/**
 * What happens to a sequence from outside. Events of a leg carry its number; an old leg's count
 * nothing.
 */
sealed interface LegEvent {
    /** The decoder said something. */
    record FromDecoder(int leg, DecodeEvent event) implements LegEvent {}

    /** The call to the decoder is over. */
    record DecoderClosed(int leg, Closed how) implements LegEvent {}

    /** The prefiller said something. */
    record FromPrefiller(int leg, PrefillEvent event) implements LegEvent {}

    /** The call to the prefiller is over. */
    record PrefillerClosed(int leg, Closed how) implements LegEvent {}

    /** The client is gone, or another answer of the request failed. */
    record Cancelled() implements LegEvent {}

    /** The time that the machine asked for has come. */
    record Woken() implements LegEvent {}

    /**
     * How a call ended.
     *
     * @param workerDied whether the worker itself is gone, rather than one call on it
     */
    record Closed(ErrorCode code, String message, boolean workerDied) {}
}
