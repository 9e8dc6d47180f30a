package io.baton.router.dispatch;

import io.baton.common.error.ErrorCode;
import io.baton.common.proto.Alive;
import io.baton.common.proto.DecodeEvent;
import io.baton.common.proto.DecodeStart;
import io.baton.common.proto.Failure;
import io.baton.common.proto.Finished;
import io.baton.common.proto.PrefillDone;
import io.baton.common.proto.PrefillEvent;
import io.baton.common.proto.PrefillRequest;
import io.baton.common.proto.PromptTokens;
import io.baton.common.proto.Recompute;
import io.baton.common.proto.Reticket;
import io.baton.common.proto.Ticket;
import io.baton.common.proto.Token;
import io.baton.common.proto.TransferDone;
import io.baton.router.dispatch.LegEvent.Closed;
import io.baton.router.route.WorkerView;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;

/** Legs that a test plays: it sees what was opened and says what workers say. */
final class FakeLegs implements Legs {
    static final long STEP_LIMIT_MILLIS = 30_000;

    final List<Decode> decodes = new ArrayList<>();
    final List<Prefill> prefills = new ArrayList<>();

    @Override
    public DecodeLeg decode(
            WorkerView worker, DecodeStart start, int leg, Consumer<LegEvent> events) {
        Decode call = new Decode(worker, start, leg);
        decodes.add(call);
        return call;
    }

    @Override
    public PrefillLeg prefill(
            WorkerView worker, PrefillRequest request, int leg, Consumer<LegEvent> events) {
        Prefill call = new Prefill(worker, request, leg);
        prefills.add(call);
        return call;
    }

    static Closed died() {
        return new Closed(ErrorCode.WORKER_LOST, "connection reset", true);
    }

    static Alive sign(long steps, boolean onEngine) {
        return Alive.newBuilder()
                .setSteps(steps)
                .setOnEngine(onEngine)
                .setStepLimitMillis(STEP_LIMIT_MILLIS)
                .build();
    }

    static final class Decode implements DecodeLeg {
        final WorkerView worker;
        final DecodeStart start;
        final int leg;
        final List<String> retickets = new ArrayList<>();
        final List<Outcome> ends = new ArrayList<>();
        int consumed;
        private int now;

        Decode(WorkerView worker, DecodeStart start, int leg) {
            this.worker = worker;
            this.start = start;
            this.leg = leg;
            this.now = start.getSpec().getEpoch();
        }

        LegEvent alive(long steps, boolean onEngine) {
            return said(DecodeEvent.newBuilder().setAlive(FakeLegs.sign(steps, onEngine)));
        }

        LegEvent ticket(int epoch) {
            now = epoch;
            return said(DecodeEvent.newBuilder().setTicket(Ticket.newBuilder().setEpoch(epoch)));
        }

        LegEvent transferDone() {
            return said(
                    DecodeEvent.newBuilder()
                            .setTransferDone(TransferDone.newBuilder().setHeldTokens(2)));
        }

        /** Tokens {@code [from, to)} of the prompt. */
        LegEvent promptTokens(int from, int to) {
            PromptTokens.Builder tokens = PromptTokens.newBuilder();
            for (int i = from; i < to; i++) {
                tokens.addTokens(Token.newBuilder().setIndex(i).setId(i).setLogprob(-1));
            }
            return said(DecodeEvent.newBuilder().setPromptTokens(tokens));
        }

        LegEvent token(int index, int id) {
            return said(
                    DecodeEvent.newBuilder()
                            .setToken(
                                    Token.newBuilder()
                                            .setIndex(index)
                                            .setId(id)
                                            .setText("t" + id)));
        }

        LegEvent finished() {
            return said(
                    DecodeEvent.newBuilder()
                            .setFinished(Finished.newBuilder().setReason("length")));
        }

        LegEvent failure(ErrorCode code) {
            return said(
                    DecodeEvent.newBuilder()
                            .setFailure(
                                    Failure.newBuilder().setCode(code.code()).setMessage("why")));
        }

        LegEvent died() {
            return new LegEvent.DecoderClosed(leg, FakeLegs.died());
        }

        private LegEvent said(DecodeEvent.Builder event) {
            return new LegEvent.FromDecoder(leg, event.setEpoch(now).build());
        }

        @Override
        public void reticket(Reticket said) {
            String given = said.hasGiven() ? " given " + said.getGiven().getId() : "";
            retickets.add(
                    said.getEpoch() + (said.getLocalPrefill() ? " local" : " remote") + given);
        }

        @Override
        public void consumed() {
            consumed++;
        }

        @Override
        public void prefilled() {}

        @Override
        public void end(Outcome outcome) {
            ends.add(outcome);
        }
    }

    static final class Prefill implements PrefillLeg {
        final WorkerView worker;
        final PrefillRequest request;
        final int leg;
        final List<Outcome> ends = new ArrayList<>();
        int consumed;

        Prefill(WorkerView worker, PrefillRequest request, int leg) {
            this.worker = worker;
            this.request = request;
            this.leg = leg;
        }

        LegEvent alive(long steps, boolean onEngine) {
            return said(PrefillEvent.newBuilder().setAlive(FakeLegs.sign(steps, onEngine)));
        }

        LegEvent firstToken(int index, int id) {
            return said(
                    PrefillEvent.newBuilder()
                            .setFirstToken(
                                    Token.newBuilder()
                                            .setIndex(index)
                                            .setId(id)
                                            .setText("t" + id)));
        }

        LegEvent recompute() {
            return said(
                    PrefillEvent.newBuilder()
                            .setRecompute(
                                    Recompute.newBuilder()
                                            .setWhy("slow")
                                            .setSoFar(
                                                    PrefillDone.newBuilder()
                                                            .setPayloadBytes(77)
                                                            .setChannel("tcp"))));
        }

        LegEvent done(int cached) {
            return said(
                    PrefillEvent.newBuilder()
                            .setDone(PrefillDone.newBuilder().setCachedTokens(cached)));
        }

        LegEvent failure(ErrorCode code) {
            return said(
                    PrefillEvent.newBuilder()
                            .setFailure(
                                    Failure.newBuilder().setCode(code.code()).setMessage("why")));
        }

        LegEvent died() {
            return new LegEvent.PrefillerClosed(leg, FakeLegs.died());
        }

        private LegEvent said(PrefillEvent.Builder event) {
            return new LegEvent.FromPrefiller(leg, event.build());
        }

        @Override
        public void consumed() {
            consumed++;
        }

        @Override
        public void end(Outcome outcome) {
            ends.add(outcome);
        }
    }
}
