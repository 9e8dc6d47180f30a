package io.baton.engine;

import io.baton.engine.Scheduler.Plan;
import io.baton.engine.Scheduler.Span;

/** What the loop counts; guarded by its lock. */
final class LoopCounters {
    long steps;
    long reusedTokens;
    long failures;
    private long prefillTokens;
    private long decodeTokens;
    private long sampledTokens;
    private long stepNanos;

    void step(Plan plan, int sampled, long nanos) {
        steps++;
        sampledTokens += sampled;
        stepNanos += nanos;
        for (Span span : plan.spans()) {
            if (span.rows() == 1) {
                decodeTokens++;
            } else {
                prefillTokens += span.rows();
            }
        }
    }

    EngineLoop.Counters snapshot(long preemptions) {
        return new EngineLoop.Counters(
                prefillTokens,
                decodeTokens,
                reusedTokens,
                sampledTokens,
                preemptions,
                failures,
                stepNanos);
    }
}
