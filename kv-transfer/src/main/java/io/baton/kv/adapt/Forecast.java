package io.baton.kv.adapt;

/**
 * Foreseen times. Computing, coding, the wire and decoding overlap, so the slowest of them decides;
 * the others add what one chunk takes to pass them.
 *
 * @param bytesPerToken raw KV of a token
 * @param chunkTokens tokens of a chunk
 * @param textDelayNanos from the decision for text to the receiver's first step
 */
public record Forecast(double bytesPerToken, int chunkTokens, long textDelayNanos) {
    /** Until all KV is there if the rest goes by this rung, over a link of such speed. */
    double kvNanos(Rung rung, Moment moment, double bytesPerSecond) {
        Moment.Here here = moment.here();
        double raw = here.tokensLeft() * bytesPerToken;
        double chunk = Math.min(chunkTokens, here.tokensLeft()) * bytesPerToken;
        double wire = (moment.way().bytes() + rung.codedBytes(raw)) / bytesPerSecond * 1e9;
        double lastWire = rung.codedBytes(chunk) / bytesPerSecond * 1e9;
        double computing = computingNanos(moment);
        double encoding = rung.encodeNanos(raw);
        double decoding = rung.decodeNanos(raw);
        double slowest =
                Math.max(
                        Math.max(wire, computing + lastWire),
                        Math.max(encoding + lastWire, decoding + lastWire));
        return slowest + rung.encodeNanos(chunk) + rung.decodeNanos(chunk);
    }

    /** Until the sender has computed the rest. */
    double computingNanos(Moment moment) {
        Moment.Here here = moment.here();
        return here.tokensToCompute() == 0 || here.tokensPerSecond() <= 0
                ? 0
                : here.tokensToCompute() / here.tokensPerSecond() * 1e9;
    }

    /** Until the receiver has computed what it has not got; infinite if it cannot. */
    double textNanos(Moment moment) {
        double tokens = (double) moment.here().tokensLeft() + moment.way().tokens();
        return moment.receiverTokensPerSecond() <= 0
                ? Double.POSITIVE_INFINITY
                : textDelayNanos + tokens / moment.receiverTokensPerSecond() * 1e9;
    }
}
