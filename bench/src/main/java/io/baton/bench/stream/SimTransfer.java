package io.baton.bench.stream;

import io.baton.bench.sim.SimLink;
import io.baton.bench.sim.Simulation;
import io.baton.bench.sim.Station;
import io.baton.kv.adapt.Choice;
import io.baton.kv.adapt.Moment;
import io.baton.kv.adapt.Rung;

/**
 * One request: chunks are computed, chosen, coded, sent, decoded and acknowledged, all of it
 * overlapping, until all are there or the receiver has computed the rest.
 */
final class SimTransfer {
    /** As often as a sender that waits looks again. */
    private static final long LOOK_NANOS = 20_000_000;

    /** A chunk is coded, sent and acknowledged in so many parts: its layers, some at a time. */
    private static final int PARTS = 8;

    private final Scene scene;
    private final Simulation simulation;
    private final SimLink link;
    private final Chooser chooser;
    private final Station encoder;
    private final Station decoder;
    private final long startNanos;
    private final int[] rungOf;
    private int computed;
    private int chosen;
    private int acknowledged;
    private long bytesOnWay;
    private long lastAckNanos;
    private long doneNanos = -1;
    private boolean text;

    SimTransfer(Scene scene, Simulation simulation, SimLink link, Chooser chooser) {
        this.scene = scene;
        this.simulation = simulation;
        this.link = link;
        this.chooser = chooser;
        this.encoder = new Station(simulation);
        this.decoder = new Station(simulation);
        this.startNanos = simulation.nanos();
        this.rungOf = new int[scene.chunks()];
    }

    /**
     * How it went.
     *
     * @param nanos from the start until the receiver can write
     * @param kvChunks chunks that came as KV
     * @param levels sum of their rungs
     * @param text whether the receiver computed the rest
     */
    record Outcome(long nanos, int kvChunks, long levels, boolean text) {}

    Outcome run() {
        for (int chunk = 0; chunk < scene.chunks(); chunk++) {
            int upTo = Math.min(scene.tokens(), (chunk + 1) * scene.chunkTokens());
            simulation.after(
                    Scene.computeNanos(upTo, scene.prefillTokensPerSecond()),
                    () -> {
                        computed++;
                        choose();
                    });
        }
        // One that never sends need not wait for anything.
        choose();
        simulation.run();
        long levels = 0;
        for (int chunk = 0; chunk < acknowledged; chunk++) {
            levels += rungOf[chunk];
        }
        return new Outcome(doneNanos - startNanos, acknowledged, levels, text);
    }

    private void choose() {
        while (doneNanos < 0 && mayChoose()) {
            switch (chooser.next(moment())) {
                case Choice.Send(int rung, var _) -> send(chosen++, rung);
                case Choice.Text _ -> recompute();
            }
        }
    }

    private boolean mayChoose() {
        boolean never =
                chooser instanceof Chooser.Fixed fixed && fixed.choice() instanceof Choice.Text;
        return never || (chosen < computed && chosen - acknowledged < chooser.window());
    }

    private void send(int chunk, int rung) {
        Rung how = scene.rungs().get(rung);
        double raw = scene.tokensOf(chunk) * scene.bytesPerToken() / PARTS;
        rungOf[chunk] = rung;
        for (int part = 1; part <= PARTS; part++) {
            boolean last = part == PARTS;
            encoder.serve(
                    raw / how.encodeBytesPerSecond() * 1e9, () -> onLink(chunk, how, raw, last));
        }
    }

    private void onLink(int chunk, Rung how, double raw, boolean last) {
        long coded = (long) (raw / how.ratio());
        if (bytesOnWay == 0) {
            lastAckNanos = simulation.nanos();
            look();
        }
        bytesOnWay += coded;
        double decoding = raw / how.decodeBytesPerSecond() * 1e9;
        link.send(
                coded,
                () ->
                        decoder.serve(
                                decoding,
                                () ->
                                        simulation.after(
                                                scene.latencyNanos(),
                                                () -> arrived(chunk, coded, decoding, last))));
    }

    private void arrived(int chunk, long coded, double decoding, boolean last) {
        if (doneNanos >= 0) {
            return;
        }
        long now = simulation.nanos();
        double other = decoding + 2.0 * scene.latencyNanos();
        chooser.goodput().delivered(coded, now - lastAckNanos, other, now);
        bytesOnWay -= coded;
        lastAckNanos = now;
        if (!last) {
            return;
        }
        acknowledged = chunk + 1;
        if (acknowledged == scene.chunks()) {
            // The acknowledgement's own way back is not waited for.
            doneNanos = now - scene.latencyNanos();
            return;
        }
        choose();
    }

    /** While bytes wait, the rest may become quicker to compute. */
    private void look() {
        simulation.after(
                LOOK_NANOS,
                () -> {
                    if (doneNanos >= 0 || bytesOnWay == 0) {
                        return;
                    }
                    if (chooser.whileWaiting(moment()).isPresent()) {
                        recompute();
                    } else if (chooser.window() != Integer.MAX_VALUE) {
                        look();
                    }
                });
    }

    private void recompute() {
        text = true;
        int left = scene.tokens() - Math.min(scene.tokens(), acknowledged * scene.chunkTokens());
        long delay = chosen == 0 ? 0 : Scene.TEXT_DELAY_NANOS;
        doneNanos =
                simulation.nanos()
                        + delay
                        + Scene.computeNanos(left, scene.receiverTokensPerSecond());
    }

    private Moment moment() {
        int tokensChosen = Math.min(scene.tokens(), chosen * scene.chunkTokens());
        int tokensComputed = Math.min(scene.tokens(), computed * scene.chunkTokens());
        int tokensThere = Math.min(scene.tokens(), acknowledged * scene.chunkTokens());
        long waited = bytesOnWay == 0 ? 0 : simulation.nanos() - lastAckNanos;
        double speed = scene.prefillTokensPerSecond();
        return new Moment(
                simulation.nanos(),
                scene.limitNanos() - (simulation.nanos() - startNanos),
                new Moment.Here(
                        scene.tokens() - tokensChosen,
                        scene.tokens() - tokensComputed,
                        Double.isInfinite(speed) ? 0 : speed),
                new Moment.Way(tokensChosen - tokensThere, bytesOnWay, waited),
                scene.receiverTokensPerSecond());
    }
}
