package io.baton.common.config;

import java.util.Locale;

/**
 * How large the KV pool is: in bytes or in tokens.
 *
 * @param unit of the amount
 * @param amount at least 1
 */
public record KvPoolSize(Unit unit, long amount) {
    /** What the amount counts. */
    public enum Unit {
        BYTES,
        TOKENS
    }

    private static final long MAX_TOKENS = 1L << 40;

    public KvPoolSize {
        if (amount < 1 || unit == Unit.TOKENS && amount > MAX_TOKENS) {
            throw new IllegalArgumentException("a pool of " + amount);
        }
    }

    /**
     * Blocks of the pool, at least 1.
     *
     * @param blockBytes bytes of a block over all layers
     * @param blockTokens tokens of a block
     */
    public long blocks(long blockBytes, int blockTokens) {
        return switch (unit) {
            case BYTES -> Math.max(1, amount / blockBytes);
            case TOKENS -> Math.ceilDiv(amount, (long) blockTokens);
        };
    }

    static KvPoolSize parse(String text) {
        String trimmed = text.strip().toLowerCase(Locale.ROOT);
        if (trimmed.endsWith("tokens")) {
            String number = trimmed.substring(0, trimmed.length() - "tokens".length()).strip();
            return new KvPoolSize(Unit.TOKENS, Long.parseLong(number));
        }
        return new KvPoolSize(Unit.BYTES, Quantities.bytes(trimmed));
    }

    /** The shortest spelling. */
    public String text() {
        return switch (unit) {
            case BYTES -> Quantities.formatBytes(amount);
            case TOKENS -> amount + "tokens";
        };
    }
}
