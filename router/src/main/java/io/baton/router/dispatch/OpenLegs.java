package io.baton.router.dispatch;

import io.baton.common.proto.DecodeStart;
import io.baton.common.proto.PrefillRequest;
import io.baton.common.proto.Reticket;
import io.baton.common.time.Ticker;
import io.baton.router.dispatch.Legs.DecodeLeg;
import io.baton.router.dispatch.Legs.Outcome;
import io.baton.router.dispatch.Legs.PrefillLeg;
import io.baton.router.route.WorkerView;
import java.util.Optional;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * The calls of one sequence that are open now: at most one to a decoder and one to a prefiller.
 * Each has a number that none had before, so that words of a call that was given up are known as
 * such. Confined to the sequence's thread.
 */
final class OpenLegs {
    /**
     * A call to a decoder.
     *
     * @param local whether the decoder computes the prompt itself
     */
    record Decode(int leg, WorkerView worker, DecodeLeg call, boolean local, LegPulse pulse) {}

    /** A call to a prefiller. */
    record Prefill(int leg, WorkerView worker, PrefillLeg call, LegPulse pulse) {}

    private final Legs legs;
    private final Consumer<LegEvent> events;
    private final Ticker ticker;
    private final long silenceNanos;
    private @Nullable Decode decode;
    private @Nullable Prefill prefill;
    private int lastLeg;

    /**
     * @param events takes the legs' events to the sequence's thread; safe for any thread
     * @param silenceNanos longest silence of a leg that lives
     */
    OpenLegs(Legs legs, Consumer<LegEvent> events, Ticker ticker, long silenceNanos) {
        this.legs = legs;
        this.events = events;
        this.ticker = ticker;
        this.silenceNanos = silenceNanos;
    }

    Optional<Decode> decode() {
        return Optional.ofNullable(decode);
    }

    Optional<Prefill> prefill() {
        return Optional.ofNullable(prefill);
    }

    /** The open call to a decoder, if it has this number. */
    Optional<Decode> decode(int leg) {
        return decode().filter(current -> current.leg() == leg);
    }

    /** The open call to a prefiller, if it has this number. */
    Optional<Prefill> prefill(int leg) {
        return prefill().filter(current -> current.leg() == leg);
    }

    void open(WorkerView worker, DecodeStart start) {
        int leg = ++lastLeg;
        DecodeLeg call = legs.decode(worker, start, leg, events);
        decode = new Decode(leg, worker, call, start.getLocalPrefill(), newPulse());
    }

    void open(WorkerView worker, PrefillRequest request) {
        int leg = ++lastLeg;
        PrefillLeg call = legs.prefill(worker, request, leg, events);
        prefill = new Prefill(leg, worker, call, newPulse());
    }

    private LegPulse newPulse() {
        return new LegPulse(silenceNanos, ticker.nanos());
    }

    /** The decoder shall give a new ticket, or compute the rest itself. */
    void reticket(Decode current, Reticket reticket) {
        decode =
                new Decode(
                        current.leg(),
                        current.worker(),
                        current.call(),
                        reticket.getLocalPrefill(),
                        current.pulse());
        current.call().reticket(reticket);
    }

    void endDecode(Outcome outcome) {
        Decode current = decode;
        decode = null;
        if (current != null) {
            current.call().end(outcome);
        }
    }

    void endPrefill(Outcome outcome) {
        Prefill current = prefill;
        prefill = null;
        if (current != null) {
            current.call().end(outcome);
        }
    }

    /** Reading of the ticker at which a leg will have been silent for too long. */
    long silentAtNanos(long atMost) {
        long at = atMost;
        if (decode != null) {
            at = earlier(at, decode.pulse().dueNanos());
        }
        if (prefill != null) {
            at = earlier(at, prefill.pulse().dueNanos());
        }
        return at;
    }

    private static long earlier(long nanos, long otherNanos) {
        return nanos - otherNanos < 0 ? nanos : otherNanos;
    }
}
