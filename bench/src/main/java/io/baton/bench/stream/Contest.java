package io.baton.bench.stream;

import io.baton.bench.sim.BandwidthTrace;
import io.baton.bench.sim.SimLink;
import io.baton.bench.sim.Simulation;
import io.baton.kv.adapt.Forecast;
import io.baton.kv.adapt.Goodput;
import io.baton.kv.adapt.Ladder;
import io.baton.kv.adapt.LevelPolicy;
import io.baton.kv.adapt.PolicyOptions;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.SplittableRandom;
import java.util.function.Supplier;

/**
 * The policy against every fixed choice on the same links: requests that begin at the same times,
 * each alone on its link and with a sender that has not seen it before.
 */
final class Contest {
    private static final int MAX_EVENTS = 1_000_000;

    private final Scene scene;
    private final List<BandwidthTrace> traces;
    private final int requests;
    private final PolicyOptions options;
    private final SimLink.Loss loss;

    /**
     * @param requests on each trace, at times by chance, the same for every choice
     */
    Contest(
            Scene scene,
            List<BandwidthTrace> traces,
            int requests,
            PolicyOptions options,
            SimLink.Loss loss) {
        this.scene = scene;
        this.traces = List.copyOf(traces);
        this.requests = requests;
        this.options = options;
        this.loss = loss;
    }

    /**
     * What one way of choosing came to.
     *
     * @param attainment part of the requests within the limit
     * @param meanNanos over all requests
     * @param traceNanos mean of each trace
     * @param meanLevel over the chunks sent as KV; NaN if there were none
     * @param textPart part of the requests that ended as text
     */
    record Score(
            String name,
            double attainment,
            double meanNanos,
            double[] traceNanos,
            double meanLevel,
            double textPart) {}

    /** The policy's score. */
    Score policy() {
        return score(
                "policy",
                () -> {
                    Goodput goodput = new Goodput();
                    Forecast forecast =
                            new Forecast(
                                    scene.bytesPerToken(),
                                    scene.chunkTokens(),
                                    Scene.TEXT_DELAY_NANOS);
                    return new Chooser.Adaptive(
                            new LevelPolicy(options, forecast, new Ladder(scene.rungs()), goodput),
                            goodput);
                });
    }

    /** Every fixed choice that the floor allows, and text where the receiver computes. */
    List<Score> fixed() {
        List<Score> scores = new ArrayList<>();
        for (int rung = 0; rung <= options.floorRung(); rung++) {
            int chosen = rung;
            scores.add(score(scene.rungs().get(rung).name(), () -> Chooser.Fixed.rung(chosen)));
        }
        if (scene.receiverTokensPerSecond() > 0) {
            scores.add(score("text", Chooser.Fixed::text));
        }
        return scores;
    }

    /** The one that keeps the limit most often; among equals the quickest. */
    static Score best(List<Score> fixed) {
        return fixed.stream()
                .max(
                        Comparator.comparingDouble(Score::attainment)
                                .thenComparingDouble(score -> -score.meanNanos()))
                .orElseThrow();
    }

    private Score score(String name, Supplier<Chooser> choosers) {
        double[] traceNanos = new double[traces.size()];
        double sum = 0;
        int within = 0;
        int texts = 0;
        long chunks = 0;
        long levels = 0;
        for (int t = 0; t < traces.size(); t++) {
            for (int i = 0; i < requests; i++) {
                SimTransfer.Outcome outcome = run(traces.get(t), t, i, choosers.get());
                traceNanos[t] += (double) outcome.nanos() / requests;
                within += outcome.nanos() <= scene.limitNanos() ? 1 : 0;
                texts += outcome.text() ? 1 : 0;
                chunks += outcome.kvChunks();
                levels += outcome.levels();
            }
            sum += traceNanos[t];
        }
        double all = (double) traces.size() * requests;
        return new Score(
                name,
                within / all,
                sum / traces.size(),
                traceNanos,
                chunks == 0 ? Double.NaN : (double) levels / chunks,
                texts / all);
    }

    private SimTransfer.Outcome run(BandwidthTrace trace, int number, int i, Chooser chooser) {
        SplittableRandom random = new SplittableRandom(number * 1_000_003L + i);
        // Chance, not a grid: a grid would always meet the same phase of a trace that repeats.
        long start = random.nextLong(trace.lengthNanos());
        Simulation simulation = new Simulation(start, MAX_EVENTS);
        SimLink link = new SimLink(simulation, trace, scene.latencyNanos(), loss, random);
        return new SimTransfer(scene, simulation, link, chooser).run();
    }
}
