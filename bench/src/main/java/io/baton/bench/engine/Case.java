package io.baton.bench.engine;

import io.baton.bench.engine.EnginePlan.Sampling;
import java.util.Map;

/** What is measured: one prompt's prefill, or decode of a batch. */
sealed interface Case {
    /** As in the rows, such as {@code prefill 512}. */
    String label();

    /** What a subject is asked. */
    Map<String, Object> question(Sampling sampling);

    record Prefill(int tokens) implements Case {
        @Override
        public String label() {
            return "prefill " + tokens;
        }

        @Override
        public Map<String, Object> question(Sampling sampling) {
            return Map.of("do", "prefill", "tokens", tokens);
        }
    }

    record Decode(int batch) implements Case {
        @Override
        public String label() {
            return "decode " + batch;
        }

        @Override
        public Map<String, Object> question(Sampling sampling) {
            return Map.of(
                    "do",
                    "decode",
                    "batch",
                    batch,
                    "depth",
                    sampling.depth(),
                    "minSteps",
                    sampling.minSteps(),
                    "maxSteps",
                    sampling.maxSteps(),
                    "budgetSeconds",
                    sampling.budgetSeconds());
        }
    }
}
