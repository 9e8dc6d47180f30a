package io.baton.bench.engine;

import java.io.IOException;

/**
 * A subject with the cases in which it computes what it should.
 *
 * @param prefill whether it is measured in prefill
 * @param decode whether it is measured in decode
 */
record Entrant(Subject subject, boolean prefill, boolean decode) {
    /** A subject whose results nobody can check against ours. */
    static Entrant unchecked(Subject subject) {
        return new Entrant(subject, true, true);
    }

    /**
     * Compares a peer's logits with ours after a prompt of many rows and after few: engines have
     * different kernels for them. Says on stderr what it found.
     */
    static Entrant checked(Subject ours, Subject peer) throws IOException, InterruptedException {
        double many = LogitsCheck.distance(ours, peer, LogitsCheck.TOKENS);
        double few = LogitsCheck.distance(ours, peer, LogitsCheck.FEW_TOKENS);
        Entrant entrant = new Entrant(peer, LogitsCheck.isSame(many), LogitsCheck.isSame(few));
        System.err.printf(
                "%s: logits %.3f (%d rows) and %.3f (%d rows) of their spread from ours%s%s%n",
                peer.name(),
                many,
                LogitsCheck.TOKENS,
                few,
                LogitsCheck.FEW_TOKENS,
                entrant.prefill() ? "" : "; wrong, not measured in prefill",
                entrant.decode() ? "" : "; wrong, not measured in decode");
        return entrant;
    }

    boolean takes(Case one) {
        return switch (one) {
            case Case.Prefill ignored -> prefill;
            case Case.Decode ignored -> decode;
        };
    }

    String name() {
        return subject.name();
    }
}
