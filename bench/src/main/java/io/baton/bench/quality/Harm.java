package io.baton.bench.quality;

import java.util.Locale;

/** Sums over scored tokens and coded prefixes of one way to code. Any thread. */
final class Harm {
    private long rawBytes;
    private long codedBytes;
    private long tokens;
    private double exactLoss;
    private double loss;
    private double divergence;
    private long sameFirst;
    private double worstGap;

    synchronized void coded(long raw, long coded) {
        rawBytes += raw;
        codedBytes += coded;
    }

    /**
     * Adds a token.
     *
     * @param exact its loss by the exact model, in nats
     * @param tokenLoss its loss after the coded prefix
     * @param kl divergence of the distribution from the exact one, in nats
     * @param gap 0 if both have the same most likely token, else the exact model's log probability
     *     of its own less that of the other's
     */
    synchronized void scored(double exact, double tokenLoss, double kl, double gap) {
        tokens++;
        exactLoss += exact;
        loss += tokenLoss;
        divergence += kl;
        sameFirst += gap == 0 ? 1 : 0;
        worstGap = Math.max(worstGap, gap);
    }

    synchronized void add(Harm other) {
        rawBytes += other.rawBytes;
        codedBytes += other.codedBytes;
        tokens += other.tokens;
        exactLoss += other.exactLoss;
        loss += other.loss;
        divergence += other.divergence;
        sameFirst += other.sameFirst;
        worstGap = Math.max(worstGap, other.worstGap);
    }

    synchronized long tokens() {
        return tokens;
    }

    /** Raw bytes to coded ones. */
    synchronized double ratio() {
        return (double) rawBytes / codedBytes;
    }

    /** Relative change, 0.01 is one per cent. */
    synchronized double perplexity() {
        return Math.exp((loss - exactLoss) / tokens) - 1;
    }

    /** Mean, in nats. */
    synchronized double kl() {
        return divergence / tokens;
    }

    /** Share of tokens. */
    synchronized double top1() {
        return (double) sameFirst / tokens;
    }

    /** The largest gap, in nats, where the most likely tokens differ. */
    synchronized double gap() {
        return worstGap;
    }

    @Override
    public String toString() {
        return String.format(
                Locale.ROOT,
                "%.2fx, KL %.5f, perplexity %+.2f %%, top-1 %.3f (%d tokens)",
                ratio(),
                kl(),
                100 * perplexity(),
                top1(),
                tokens());
    }
}
