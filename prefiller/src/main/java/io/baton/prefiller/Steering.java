package io.baton.prefiller;

import io.baton.common.proto.PrefillDone;
import io.baton.common.proto.SentAs;
import io.baton.common.time.Ticker;
import io.baton.kv.adapt.Choice;
import io.baton.kv.adapt.Moment;
import io.baton.kv.channel.SendResult;
import io.baton.kv.transfer.KvSenders.Delivery;
import io.baton.kv.transfer.KvSenders.OutboundTransfer;
import io.baton.kv.transfer.KvSenders.StreamPolicy;
import io.baton.prefiller.SendProgress.Piece;
import java.lang.foreign.MemorySegment;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.TimeUnit;

/**
 * Decides how the chunks of one transfer go: asks the link's policy where there is one, keeps few
 * bytes on their way so that it may still choose, and keeps the account of what went which way. One
 * thread at a time, the pusher's.
 */
final class Steering {
    /** From the decision for text to the decoder's first step: two messages through the router. */
    private static final long TEXT_DELAY_NANOS = Duration.ofMillis(5).toNanos();

    /** A chunk is acknowledged in so many parts. */
    private static final int MARKS = 8;

    /** What is on its way may be so far from its arrival when the end is sent behind it. */
    private static final long NEARLY_NANOS = Duration.ofMillis(20).toNanos();

    private static final long NO_HURRY_NANOS = TimeUnit.HOURS.toNanos(1);

    /** A decoder that has never computed is taken for half as fast: it has streams to serve. */
    private static final double UNKNOWN_SPEED = 0.5;

    /** What to do now. */
    enum Next {
        GO,
        WAIT,
        TEXT
    }

    /**
     * What is known of both ends.
     *
     * @param firstTokenNanos time left until the first token should be there; 0 for no such wish
     * @param tokensPerSecond own prefill speed; 0 if unknown
     * @param receiverTokensPerSecond the decoder's; 0 if unknown
     * @param receiverBytesPerSecond raw bytes that it decodes in a second; 0 if unknown
     * @param recompute whether it may be told to compute
     */
    record Ends(
            long firstTokenNanos,
            double tokensPerSecond,
            double receiverTokensPerSecond,
            double receiverBytesPerSecond,
            boolean recompute) {
        double textTokensPerSecond() {
            if (!recompute) {
                return 0;
            }
            return receiverTokensPerSecond > 0
                    ? receiverTokensPerSecond
                    : UNKNOWN_SPEED * tokensPerSecond;
        }
    }

    private final OutboundTransfer transfer;
    private final SendProgress progress;
    private final Ends ends;
    private final Ticker ticker;
    private final Optional<StreamPolicy> policy;
    private final List<String> names;
    private final long[] rawBytes;
    private final long[] codedBytes;
    private final long bytesPerChunk;
    private final int fromToken;
    private final long beganNanos;
    private final int[] wayOfChunk;
    private int decidedChunks;
    private long unmarkedBytes;
    private String why = "";

    Steering(
            OutboundTransfer transfer,
            SendProgress progress,
            Ends ends,
            Ticker ticker,
            Place place) {
        this.transfer = transfer;
        this.progress = progress;
        this.ends = ends;
        this.ticker = ticker;
        this.policy = transfer.policy(TEXT_DELAY_NANOS, ends.receiverBytesPerSecond());
        this.names = transfer.ways();
        this.rawBytes = new long[names.size()];
        this.codedBytes = new long[names.size()];
        this.bytesPerChunk = place.bytesPerToken() * progress.chunkTokens();
        this.fromToken = place.fromToken();
        this.beganNanos = ticker.nanos();
        this.decidedChunks = fromToken / progress.chunkTokens();
        this.wayOfChunk = new int[Math.ceilDiv(progress.knownTokens(), progress.chunkTokens())];
    }

    /**
     * What is sent.
     *
     * @param bytesPerToken raw, in all layers
     * @param fromToken first token that the decoder lacks
     */
    record Place(long bytesPerToken, int fromToken) {}

    /** Whether a piece may go now; if its chunk is a new one, how. */
    Next before(Piece piece) {
        int chunk = progress.chunkOf(piece);
        if (policy.isEmpty()) {
            wayOfChunk[chunk] = names.size() - 1;
            return Next.GO;
        }
        if (chunk < decidedChunks) {
            return Next.GO;
        }
        Delivery delivery = transfer.delivery();
        if (delivery.sentRawBytes() - delivery.arrivedRawBytes() > bytesPerChunk) {
            return whileWaiting();
        }
        return switch (policy.get().next(moment(delivery))) {
            case Choice.Send(int way, var reason) -> {
                wayOfChunk[chunk] = way;
                decidedChunks = chunk + 1;
                why = reason.text();
                yield Next.GO;
            }
            case Choice.Text(var reason) -> {
                why = reason.text();
                yield Next.TEXT;
            }
        };
    }

    /** Asked while something is waited for: goes on, or not. */
    Next whileWaiting() {
        Optional<Choice> given =
                policy.flatMap(rules -> rules.whileWaiting(moment(transfer.delivery())));
        given.ifPresent(choice -> why = choice.reason().text());
        return given.isPresent() ? Next.TEXT : Next.WAIT;
    }

    /** Sends a piece the way of its chunk. */
    SendResult offer(Piece piece, MemorySegment bytes) {
        int way = wayOfChunk[progress.chunkOf(piece)];
        long before = policy.isEmpty() ? 0 : transfer.delivery().sentBytes();
        SendResult result = transfer.offer(way, piece.layer(), piece.firstBlock(), bytes);
        if (result == SendResult.OK) {
            rawBytes[way] += bytes.byteSize();
            if (policy.isPresent()) {
                codedBytes[way] += transfer.delivery().sentBytes() - before;
            }
            mark(bytes.byteSize());
        }
        return result;
    }

    private void mark(long bytes) {
        unmarkedBytes += bytes;
        if (unmarkedBytes >= bytesPerChunk / MARKS && transfer.mark() == SendResult.OK) {
            unmarkedBytes = 0;
        }
    }

    /** All was offered: whether it will have arrived so soon that text cannot be sooner. */
    boolean isNearlyThere() {
        if (policy.isEmpty() || !ends.recompute()) {
            return true;
        }
        if (unmarkedBytes > 0 && transfer.mark() == SendResult.OK) {
            unmarkedBytes = 0;
        }
        Delivery delivery = transfer.delivery();
        long left = delivery.sentBytes() - delivery.arrivedBytes();
        long gone = delivery.arrivedBytes();
        long took = ticker.nanos() - beganNanos;
        return left == 0 || (gone > 0 && (double) left / gone * took < NEARLY_NANOS);
    }

    private Moment moment(Delivery delivery) {
        int known = progress.knownTokens();
        int decided = Math.clamp((long) decidedChunks * progress.chunkTokens(), fromToken, known);
        long bytesPerToken = bytesPerChunk / progress.chunkTokens();
        int arrived = fromToken + (int) (delivery.arrivedRawBytes() / bytesPerToken);
        long passed = ticker.nanos() - beganNanos;
        return new Moment(
                ticker.nanos(),
                ends.firstTokenNanos() == 0 ? NO_HURRY_NANOS : ends.firstTokenNanos() - passed,
                new Moment.Here(
                        known - decided,
                        Math.max(0, known - progress.computedTokens()),
                        ends.tokensPerSecond()),
                new Moment.Way(
                        Math.max(0, decided - arrived),
                        delivery.sentBytes() - delivery.arrivedBytes(),
                        delivery.waitedNanos()),
                ends.textTokensPerSecond());
    }

    /** Why the last choice was made; empty if none was. */
    String why() {
        return why;
    }

    /** Notes in a report what went which way. */
    void note(PrefillDone.Builder report) {
        long all = transfer.stats().payloadBytes();
        List<SentAs> sent = new ArrayList<>();
        for (int way = 0; way < names.size(); way++) {
            if (rawBytes[way] > 0) {
                sent.add(
                        SentAs.newBuilder()
                                .setWay(names.get(way))
                                .setRawBytes(rawBytes[way])
                                .setCodedBytes(policy.isEmpty() ? all : codedBytes[way])
                                .build());
            }
        }
        report.addAllSent(sent).setCodingNanos(transfer.stats().codingNanos()).setChoice(why);
    }
}
