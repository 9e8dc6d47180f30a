package io.baton.bench.engine;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import tools.jackson.databind.JsonNode;

/** The values of all rounds: a series for every case and entrant. The first entrant is ours. */
final class Rounds {
    private final List<Case> cases;
    private final List<Entrant> entrants;
    private final Map<Case, Map<Entrant, Series>> series = new HashMap<>();
    private final List<Double> others = new ArrayList<>();

    Rounds(List<Case> cases, List<Entrant> entrants) {
        this.cases = List.copyOf(cases);
        this.entrants = new ArrayList<>(entrants);
    }

    /** Takes out a peer that ended: what it reached before is no median of all rounds. */
    void leave(Entrant peer) {
        entrants.remove(peer);
        series.values().forEach(each -> each.remove(peer));
    }

    void add(Case one, Entrant entrant, JsonNode answer) {
        series.computeIfAbsent(one, c -> new HashMap<>())
                .computeIfAbsent(entrant, e -> new Series())
                .add(answer);
    }

    /** Takes the cores that other processes used during one measurement. */
    void others(double cores) {
        others.add(cores);
    }

    List<Case> cases() {
        return cases;
    }

    /** Ours and the peers that have not ended. */
    List<Entrant> entrants() {
        return List.copyOf(entrants);
    }

    Entrant ours() {
        return entrants.getFirst();
    }

    /** The peers that took a case. */
    List<Entrant> peers(Case one) {
        return entrants.stream().skip(1).filter(peer -> peer.takes(one)).toList();
    }

    /** The peer whose median was the highest. */
    Optional<Entrant> fastest(Case one) {
        return peers(one).stream()
                .max((a, b) -> Double.compare(of(one, a).median(), of(one, b).median()));
    }

    /** What an entrant that took the case has reached. */
    Series of(Case one, Entrant entrant) {
        Series found = series.getOrDefault(one, Map.of()).get(entrant);
        if (found == null) {
            throw new IllegalArgumentException(entrant.name() + " did not take " + one.label());
        }
        return found;
    }

    double[] others() {
        return Series.array(others);
    }
}
