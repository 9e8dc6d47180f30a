package io.baton.kv.adapt;

import java.time.Duration;

/**
 * How {@link LevelPolicy} decides.
 *
 * @param firstRung rung of the first chunks, while nothing is known of the link
 * @param floorRung coarsest rung that may be chosen
 * @param patience how much longer than the fastest way a finer one may take, as a part of it
 * @param headroom part of the time left that is not counted on
 * @param hysteresis how much less than allowed a finer rung must be foreseen to take, and how much
 *     more the present one before it is left, as a part
 * @param deviations how many deviations below its mean the link is counted on for
 * @param probeChunks after so many chunks on one rung a finer one is tried once
 * @param textGain how much sooner text must be foreseen before KV, as a part: the decision is final
 * @param textEvidence for how long the link must have been seen at work before, as a part of the
 *     time that text takes
 * @param staleNanos what was measured of a link longer ago is not counted on
 */
public record PolicyOptions(
        int firstRung,
        int floorRung,
        double patience,
        double headroom,
        double hysteresis,
        double deviations,
        int probeChunks,
        double textGain,
        double textEvidence,
        long staleNanos) {
    public PolicyOptions {
        if (floorRung < 0
                || firstRung < 0
                || firstRung > floorRung
                || !(patience >= 0)
                || !(headroom >= 0 && headroom < 1)
                || !(hysteresis >= 0 && hysteresis < 1)
                || !(deviations >= 0)
                || probeChunks < 1
                || !(textEvidence >= 0)
                || !(textGain >= 0 && textGain < 1)
                || staleNanos <= 0) {
            throw new IllegalArgumentException(
                    "bad policy: first %d, floor %d, patience %s"
                            .formatted(firstRung, floorRung, patience));
        }
    }

    /**
     * The usual options: a medium first rung, 10 % patience, 15 % headroom.
     *
     * @param floorRung coarsest rung that may be chosen
     */
    public static PolicyOptions of(int floorRung) {
        return new PolicyOptions(
                (floorRung + 1) / 2,
                floorRung,
                0.1,
                0.15,
                0.05,
                0.5,
                8,
                0.1,
                0.4,
                Duration.ofSeconds(15).toNanos());
    }
}
