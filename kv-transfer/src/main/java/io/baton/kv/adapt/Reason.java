package io.baton.kv.adapt;

import java.util.Locale;

/**
 * Why a choice was made, with what it was made from.
 *
 * @param why the rule that decided
 * @param bytesPerSecond what the link was counted on for; 0 while it is unknown
 * @param kvNanos foreseen time until all KV is there by the chosen rung, or by the fastest one
 *     where text was chosen; 0 while nothing can be foreseen
 * @param textNanos foreseen time until the receiver has computed the rest; 0 if it cannot
 * @param budgetNanos time that was left
 */
public record Reason(
        Why why, double bytesPerSecond, long kvNanos, long textNanos, long budgetNanos) {
    /** The rules of {@link LevelPolicy}. */
    public enum Why {
        /** Nothing is known of the link: a medium rung. */
        UNKNOWN_LINK,
        /** The finest rung that keeps the time. */
        FITS,
        /** The rung stays: a change would gain too little. */
        KEPT,
        /** A finer rung for one chunk, to learn what the link can do. */
        PROBE,
        /** No rung keeps the time: the fastest. */
        LATE,
        /** The receiver computes the rest sooner than KV comes. */
        TEXT_SOONER,
        /** KV comes too late, and it is the last moment at which text does not. */
        TEXT_IN_TIME
    }

    /** One line for a ledger. */
    public String text() {
        return String.format(
                Locale.ROOT,
                "%s at %.3g MB/s: KV in %.1f ms, text in %s, %.1f ms left",
                why.name().toLowerCase(Locale.ROOT).replace('_', ' '),
                bytesPerSecond / 1e6,
                kvNanos / 1e6,
                textNanos == 0 ? "?" : String.format(Locale.ROOT, "%.1f ms", textNanos / 1e6),
                budgetNanos / 1e6);
    }
}
