package io.baton.router.dispatch;

import io.baton.common.proto.DecodeStart;
import io.baton.common.proto.PrefillRequest;
import io.baton.common.proto.Reticket;
import io.baton.router.route.WorkerView;
import java.util.function.Consumer;

/** Opens calls to workers. What fails at once is an event too. */
interface Legs {
    /** Starts an attempt on a decoder; its events carry {@code leg}. */
    DecodeLeg decode(WorkerView worker, DecodeStart start, int leg, Consumer<LegEvent> events);

    /** Starts an attempt on a prefiller; its events carry {@code leg}. */
    PrefillLeg prefill(
            WorkerView worker, PrefillRequest request, int leg, Consumer<LegEvent> events);

    /** How an attempt on a worker went, for its circuit breaker. */
    enum Outcome {
        SUCCEEDED,
        /** The worker or the way to it failed. */
        FAILED,
        /** Says nothing about the worker. */
        CANCELLED
    }

    /** A call to a decoder. */
    interface DecodeLeg {
        /** The prefiller is lost: a new ticket, or local prefill, under a new epoch. */
        void reticket(Reticket reticket);

        /** One event has been dealt with: another may come. */
        void consumed();

        /** Its prompt is computed: it weighs less in decisions. */
        void prefilled();

        /** Ends the call; frees everything on the worker unless it is done. No events follow. */
        void end(Outcome outcome);
    }

    /** A call to a prefiller. */
    interface PrefillLeg {
        /** One event has been dealt with: another may come. */
        void consumed();

        /** Ends the call; stops the worker unless it is done. No events follow. */
        void end(Outcome outcome);
    }
}
