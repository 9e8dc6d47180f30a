package io.baton.bench.engine;

import io.baton.bench.engine.EnginePlan.Model;
import io.baton.bench.engine.Lineup.Peer;
import io.baton.bench.engine.child.ReadProbe;
import io.baton.bench.frame.Suite;
import io.baton.bench.frame.SuiteContext;
import io.baton.common.time.Pause;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import tools.jackson.databind.JsonNode;

/**
 * Our engine alone beside other engines, in one run: prefill and decode speed, CPU time, load time,
 * memory. Every case is measured once a round by each subject, in an order that turns, so that a
 * foreign load meets all of them.
 *
 * <p>Pass rule: the goals of {@link Goals} against the fastest peer that was given.
 */
public final class EngineSuite implements Suite {
    /** Threads that spin for work go to sleep within this. */
    private static final long SETTLE_NANOS = Duration.ofMillis(150).toNanos();

    private final Path root;
    private final Pause pause;

    /**
     * @param root the checkout, where the peers' scripts are
     * @param pause between one subject's measurement and the next one's
     */
    public EngineSuite(Path root, Pause pause) {
        this.root = root;
        this.pause = pause;
    }

    @Override
    public String name() {
        return "engine";
    }

    @Override
    public String summary() {
        return "prefill, decode, load and memory of the engine alone beside peers; passes at the goals against the fastest";
    }

    @Override
    public boolean run(SuiteContext context) throws Exception {
        EnginePlan plan = EnginePlan.of(context);
        Lineup lineup = new Lineup(context, plan, root);
        if (!lineup.absent().isEmpty()) {
            System.err.println("not measured, for want of --set: " + lineup.absent());
        }
        boolean pass = true;
        try (Subject reader = Subject.start(Subject.java(ReadProbe.class))) {
            for (Model model : plan.models()) {
                for (int threads : plan.threads()) {
                    pass &= measure(context, plan, lineup, new Turn(model, threads, reader));
                }
            }
        }
        return pass;
    }

    private record Turn(Model model, int threads, Subject reader) {}

    private boolean measure(SuiteContext context, EnginePlan plan, Lineup lineup, Turn turn)
            throws IOException, InterruptedException {
        List<Entrant> entrants = new ArrayList<>();
        warm(turn.model().file());
        try {
            entrants.add(
                    Entrant.unchecked(Subject.start(lineup.ours(turn.model(), turn.threads()))));
            for (Peer peer : lineup.peers(turn.model(), turn.threads())) {
                join(entrants, peer);
            }
            Report report = new Report(context.results(), turn.model().name(), turn.threads());
            Rounds rounds = new Rounds(plan.cases(), entrants);
            for (int round = -1; round < plan.sampling().rounds(); round++) {
                // The round before the first warms caches and compiles; it is not counted.
                round(plan, rounds, round);
                report.bandwidth(turn.reader(), round >= 0);
            }
            Subject ours = entrants.getFirst().subject();
            boolean pass = report.speeds(rounds);
            pass &= report.resources(rounds.entrants());
            if (plan.profile()) {
                report.shares(rounds);
            }
            if (plan.foreign() && turn.threads() > 1) {
                pass &= ForeignCase.measure(plan, ours, report);
            }
            return pass;
        } finally {
            entrants.forEach(entrant -> entrant.subject().close());
        }
    }

    /** Reads the file, so that nobody's load waits for the disk. */
    private static void warm(Path file) throws IOException {
        try (InputStream in = Files.newInputStream(file)) {
            in.transferTo(OutputStream.nullOutputStream());
        }
    }

    private static void join(List<Entrant> entrants, Peer peer) throws InterruptedException {
        Subject subject;
        try {
            subject = Subject.start(peer.command());
        } catch (IOException e) {
            System.err.printf("%s is left out: %s%n", peer.label(), e.getMessage());
            return;
        }
        try {
            Subject ours = entrants.getFirst().subject();
            entrants.add(
                    peer.sameWeights()
                            ? Entrant.checked(ours, subject)
                            : Entrant.unchecked(subject));
        } catch (IOException e) {
            System.err.printf("%s is left out: %s%n", peer.label(), e.getMessage());
            subject.close();
        }
    }

    private void round(EnginePlan plan, Rounds rounds, int round)
            throws IOException, InterruptedException {
        List<Entrant> order = new ArrayList<>(rounds.entrants());
        Collections.rotate(order, round + 1);
        for (Case one : plan.cases()) {
            Map<String, Object> question = one.question(plan.sampling());
            for (Entrant entrant : order) {
                if (entrant.takes(one) && rounds.entrants().contains(entrant)) {
                    try {
                        measure(rounds, one, entrant, question, round >= 0);
                    } catch (IOException e) {
                        drop(rounds, one, entrant, e);
                    }
                }
            }
        }
    }

    private void measure(
            Rounds rounds, Case one, Entrant entrant, Map<String, Object> question, boolean counted)
            throws IOException, InterruptedException {
        Subject subject = entrant.subject();
        pause.nanos(SETTLE_NANOS);
        Busy before = Busy.read(subject.pid());
        JsonNode answer = subject.ask(question);
        if (counted) {
            rounds.add(one, entrant, answer);
            rounds.others(Busy.read(subject.pid()).othersSince(before));
        }
    }

    /** A peer that ends does not end the run; ours does. */
    private static void drop(Rounds rounds, Case one, Entrant entrant, IOException why)
            throws IOException {
        if (entrant.equals(rounds.ours())) {
            throw why;
        }
        System.err.printf(
                "%s is left out from now on, it ended in %s: %s%n",
                entrant.name(), one.label(), why.getMessage());
        rounds.leave(entrant);
    }
}
