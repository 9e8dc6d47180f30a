package io.baton.common.worker;

/**
 * Tells a stuck engine from an idle or a slow one: there is work, yet the step counter has stood
 * still for too long. A state machine without a thread; one thread asks it regularly.
 */
public final class StepWatchdog {
    private final long limitNanos;
    private long lastSteps = -1;
    private long quietSince;

    /**
     * @param limitNanos longest time that one step may take
     */
    public StepWatchdog(long limitNanos) {
        this.limitNanos = limitNanos;
    }

    /**
     * @param steps steps the engine has run since its start
     * @param hasWork whether sequences run or wait
     * @param now monotonic nanoseconds
     * @return whether the engine is stuck
     */
    public boolean isStuck(long steps, boolean hasWork, long now) {
        if (steps != lastSteps || !hasWork) {
            lastSteps = steps;
            quietSince = now;
            return false;
        }
        return now - quietSince > limitNanos;
    }
}
