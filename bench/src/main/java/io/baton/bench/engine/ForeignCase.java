package io.baton.bench.engine;

import io.baton.bench.engine.child.ForeignLoad;
import io.baton.bench.frame.Row;
import java.io.IOException;
import java.util.Map;

/**
 * Decode at batch 1 beside another program that takes half of one core, and without it, in turn.
 */
final class ForeignCase {
    private static final Case DECODE = new Case.Decode(1);

    private ForeignCase() {}

    /** Measures; whether the slowdown keeps within its goal. */
    static boolean measure(EnginePlan plan, Subject ours, Report report)
            throws IOException, InterruptedException {
        Series quiet = new Series();
        Series loaded = new Series();
        Map<String, Object> question = DECODE.question(plan.sampling());
        try (Subject load = Subject.start(Subject.java(ForeignLoad.class))) {
            for (int round = 0; round < plan.sampling().rounds(); round++) {
                quiet.add(ours.ask(question));
                load.ask(Map.of("do", "on"));
                loaded.add(ours.ask(question));
                load.ask(Map.of("do", "off"));
            }
        }
        double[] slowdowns = quiet.ratios(loaded);
        double goal = Goals.foreignSlowdown(threads(ours));
        report.row("decode 1 quiet", "tok/s", quiet.speeds());
        report.row("decode 1 beside half a core of load", "tok/s", loaded.speeds());
        report.bounded("slowdown beside half a core of load", "x", slowdowns, goal);
        return Row.Spread.of(slowdowns).median() <= goal;
    }

    private static int threads(Subject ours) {
        return ours.hello().path("threads").asInt();
    }
}
