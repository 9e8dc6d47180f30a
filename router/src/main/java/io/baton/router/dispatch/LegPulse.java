package io.baton.router.dispatch;

import io.baton.common.proto.Alive;
import java.util.Optional;
import java.util.concurrent.TimeUnit;

/**
 * Whether one leg lives: when it was last heard of, and whether its engine moves. Everything that
 * comes on the leg counts as heard; what waits long says {@link Alive} several times within the
 * limit, so that neither a queue nor a long prompt looks like silence.
 *
 * <p>A look that comes much later than it was due proves nothing, as the router itself may have
 * stood still or waited for its client, with the leg's words unread: the leg gets its time anew.
 *
 * <p>Confined to the sequence's thread.
 */
final class LegPulse {
    private static final int LATE_SHARE = 4;

    private final long silenceNanos;
    private long heardNanos;
    private long steps;
    private long movedNanos;
    private long stepLimitNanos = Long.MAX_VALUE;
    private boolean onEngine;

    /**
     * @param silenceNanos longest silence of a leg that lives
     * @param nowNanos when the leg was opened
     */
    LegPulse(long silenceNanos, long nowNanos) {
        this.silenceNanos = silenceNanos;
        this.heardNanos = nowNanos;
    }

    /** The leg said something. */
    void heard(long nowNanos) {
        heardNanos = nowNanos;
    }

    /** The leg gave a sign of life. */
    void alive(Alive sign, long nowNanos) {
        if (!onEngine || !sign.getOnEngine() || sign.getSteps() != steps) {
            movedNanos = nowNanos;
        }
        onEngine = sign.getOnEngine();
        steps = sign.getSteps();
        stepLimitNanos =
                sign.getStepLimitMillis() > 0
                        ? TimeUnit.MILLISECONDS.toNanos(sign.getStepLimitMillis())
                        : Long.MAX_VALUE;
    }

    /** Reading of the ticker at which to look at the latest. */
    long dueNanos() {
        return heardNanos + silenceNanos;
    }

    /** Why the leg is taken for lost, if it is. */
    Optional<String> loss(long nowNanos) {
        if (onEngine && nowNanos - movedNanos > stepLimitNanos) {
            return Optional.of(
                    "its engine made no step for %d ms while the request waited for one"
                            .formatted(TimeUnit.NANOSECONDS.toMillis(nowNanos - movedNanos)));
        }
        long late = nowNanos - dueNanos();
        if (late > silenceNanos / LATE_SHARE) {
            heardNanos = nowNanos;
            return Optional.empty();
        }
        return late < 0
                ? Optional.empty()
                : Optional.of(
                        "it gave no sign of life for %d ms"
                                .formatted(TimeUnit.NANOSECONDS.toMillis(silenceNanos)));
    }
}
