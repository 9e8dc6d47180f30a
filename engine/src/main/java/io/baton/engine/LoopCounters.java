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
    private long draftedTokens;
    private long acceptedTokens;

    void step(Plan plan, StepRunner.Outcome outcome, long nanos) {
        steps++;
        sampledTokens += outcome.sampled().size();
        acceptedTokens += outcome.sampled().stream().filter(StepRunner.Sampled::guessed).count();
        stepNanos += nanos;
        for (Span span : plan.spans()) {
            draftedTokens += span.drafted();
            if (span.isPrefill()) {
                prefillTokens += span.rows();
            } else {
                decodeTokens += span.rows();
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
                stepNanos,
                draftedTokens,
                acceptedTokens);
    }
}
