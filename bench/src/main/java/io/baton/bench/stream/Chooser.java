package io.baton.bench.stream;

import io.baton.kv.adapt.Choice;
import io.baton.kv.adapt.Goodput;
import io.baton.kv.adapt.LevelPolicy;
import io.baton.kv.adapt.Moment;
import io.baton.kv.adapt.Reason;
import java.util.Optional;

/** Who chooses in a simulated transfer. */
interface Chooser {
    Choice next(Moment moment);

    /** Asked from time to time while chunks are on their way. */
    Optional<Choice> whileWaiting(Moment moment);

    /** Chunks that may be on their way when another one is chosen. */
    int window();

    /** Where what is delivered is noted. */
    Goodput goodput();

    Reason FIXED = new Reason(Reason.Why.KEPT, 0, 0, 0, 0);

    /** Always the same. */
    record Fixed(Choice choice, Goodput goodput) implements Chooser {
        /** Always this rung. */
        static Fixed rung(int rung) {
            return new Fixed(new Choice.Send(rung, FIXED), new Goodput());
        }

        /** Nothing is ever sent. */
        static Fixed text() {
            return new Fixed(new Choice.Text(FIXED), new Goodput());
        }

        @Override
        public Choice next(Moment moment) {
            return choice;
        }

        @Override
        public Optional<Choice> whileWaiting(Moment moment) {
            return Optional.empty();
        }

        @Override
        public int window() {
            return Integer.MAX_VALUE;
        }
    }

    /** The running system's policy. */
    record Adaptive(LevelPolicy policy, Goodput goodput) implements Chooser {
        @Override
        public Choice next(Moment moment) {
            return policy.next(moment);
        }

        @Override
        public Optional<Choice> whileWaiting(Moment moment) {
            return policy.whileWaiting(moment);
        }

        @Override
        public int window() {
            return 2;
        }
    }
}
