package io.baton.router.route;

import io.baton.router.route.Decision.Candidate;
import io.baton.router.route.Decision.Routed;
import io.baton.router.route.Decision.Unroutable;
import io.baton.router.route.WorkerView.Load;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * Least estimated work, in seconds. With K known tokens, H held by the worker, w the prefix weight,
 * r its prefill rate, s its seconds per decoded token, N = min(new tokens, 256):
 *
 * <pre>
 * missing  = max(1, K - w H) / r
 * decode   = s N (1 + (running + waiting) / maxSequences)
 * blocks   = s blockTokens max(0, ceil((K + N) / blockTokens) - freeBlocks)
 *
 * decoder   cost = waitingPrefillTokens / r + missing + decode + blocks
 * prefiller cost = waitingPrefillTokens / r + missing
 * </pre>
 *
 * The decoder prefills itself if it is colocated, if no prefiller can exchange KV with it, or -
 * while at most {@code localPrefillQueue} sequences run on it - if at most {@code
 * localPrefillTokens} tokens are missing or the best prefiller's queue alone takes longer than the
 * whole local prefill.
 *
 * <p>Ties go to the worker that a hash of (request, worker) prefers, so equal workers share evenly.
 * No state; safe for any thread.
 */
public final class LeastWork implements RoutePolicy {
    private static final int EXPECTED_TOKENS = 256;
    private static final double TIE_SECONDS = 1e-9;

    /** A worker with its estimate. */
    private record Scored(WorkerView worker, double seconds, String detail) {}

    @Override
    public Decision decide(RequestFeatures request, ClusterSnapshot cluster, RouteConfig config) {
        List<Candidate> seen = new ArrayList<>();
        Scored best = null;
        for (WorkerView worker : cluster.workers()) {
            if (!worker.role().decodes()) {
                continue;
            }
            Scored scored = excluded(request, worker);
            if (scored == null) {
                scored = decoder(request, worker, config);
                best = better(request, best, scored);
            }
            seen.add(candidate(scored, "decode"));
        }
        if (best == null) {
            String why = seen.isEmpty() ? "no decoder has joined" : "every decoder is excluded";
            return new Unroutable(why, seen);
        }
        return choosePrefill(request, best.worker(), cluster, config, seen);
    }

    @Override
    public Routed decidePrefill(
            RequestFeatures request,
            WorkerView decoder,
            ClusterSnapshot cluster,
            RouteConfig config) {
        return choosePrefill(request, decoder, cluster, config, new ArrayList<>());
    }

    private static Routed choosePrefill(
            RequestFeatures request,
            WorkerView decoder,
            ClusterSnapshot cluster,
            RouteConfig config,
            List<Candidate> seen) {
        if (decoder.role() == WorkerRole.COLOCATED) {
            return local(decoder, "the worker is colocated", seen);
        }
        if (request.atDecoder()) {
            return local(
                    decoder, "log probabilities of the prompt arise where it is computed", seen);
        }
        Scored best = null;
        for (WorkerView worker : cluster.workers()) {
            if (worker.role() != WorkerRole.PREFILLER) {
                continue;
            }
            Scored scored = excluded(request, worker);
            if (scored == null && !worker.kvForm().equals(decoder.kvForm())) {
                scored = new Scored(worker, Double.POSITIVE_INFINITY, "other form of KV");
            } else if (scored == null) {
                scored = prefiller(request, worker, config);
                best = better(request, best, scored);
            }
            seen.add(candidate(scored, "prefill"));
        }
        if (best == null) {
            return local(decoder, "no prefiller can serve this decoder", seen);
        }
        String why = localReason(request, decoder, best.worker(), config);
        if (why != null) {
            return local(decoder, why, seen);
        }
        String reason =
                "decoder %s and prefiller %s have the least estimated work"
                        .formatted(decoder.id(), best.worker().id());
        return new Routed(decoder, Optional.of(best.worker()), reason, seen);
    }

    /** Why the decoder should prefill itself although {@code best} could, or null. */
    private static @Nullable String localReason(
            RequestFeatures request, WorkerView decoder, WorkerView best, RouteConfig config) {
        Load load = decoder.load();
        if (load.running() > config.localPrefillQueue()) {
            return null;
        }
        int missing = request.knownTokens() - request.held(decoder);
        if (missing <= config.localPrefillTokens()) {
            return "%d tokens are missing, at most %d are prefilled locally"
                    .formatted(missing, config.localPrefillTokens());
        }
        double queue = best.load().waitingPrefillTokens() / rate(best.load(), config);
        double local = (load.waitingPrefillTokens() + missing) / rate(load, config);
        if (queue > local) {
            return String.format(
                    Locale.ROOT,
                    "the best prefiller's queue takes %.3f s, local prefill %.3f s",
                    queue,
                    local);
        }
        return null;
    }

    private static Routed local(WorkerView decoder, String why, List<Candidate> seen) {
        return new Routed(
                decoder,
                Optional.empty(),
                "decoder %s prefills itself: %s".formatted(decoder.id(), why),
                seen);
    }

    private static @Nullable Scored excluded(RequestFeatures request, WorkerView worker) {
        if (!worker.accepting()) {
            return new Scored(worker, Double.POSITIVE_INFINITY, worker.obstacle());
        }
        if (request.failed().contains(worker.id())) {
            return new Scored(worker, Double.POSITIVE_INFINITY, "failed this request before");
        }
        return null;
    }

    private static Scored decoder(RequestFeatures request, WorkerView worker, RouteConfig config) {
        Load load = worker.load();
        int expected = Math.min(request.newTokens(), EXPECTED_TOKENS);
        double perToken =
                load.decodeSecondsPerToken() > 0
                        ? load.decodeSecondsPerToken()
                        : config.assumedDecodeSecondsPerToken();
        double queue = load.waitingPrefillTokens() / rate(load, config);
        double missing = missing(request, worker, config);
        double pressure = (load.running() + load.waiting()) / (double) load.maxSequences();
        double decode = perToken * expected * (1 + pressure);
        long needed = Math.ceilDiv((long) request.knownTokens() + expected, worker.blockTokens());
        double blocks = perToken * worker.blockTokens() * Math.max(0, needed - load.freeBlocks());
        return new Scored(
                worker,
                queue + missing + decode + blocks,
                String.format(
                        Locale.ROOT,
                        "queue %.3f + missing %.3f + decode %.3f + blocks %.3f s; running %d,"
                                + " waiting %d, free blocks %d, held tokens %d",
                        queue,
                        missing,
                        decode,
                        blocks,
                        load.running(),
                        load.waiting(),
                        load.freeBlocks(),
                        request.held(worker)));
    }

    private static Scored prefiller(
            RequestFeatures request, WorkerView worker, RouteConfig config) {
        double queue = worker.load().waitingPrefillTokens() / rate(worker.load(), config);
        double missing = missing(request, worker, config);
        return new Scored(
                worker,
                queue + missing,
                String.format(
                        Locale.ROOT,
                        "queue %.3f + missing %.3f s; held tokens %d",
                        queue,
                        missing,
                        request.held(worker)));
    }

    private static double missing(RequestFeatures request, WorkerView worker, RouteConfig config) {
        double tokens = request.knownTokens() - config.prefixWeight() * request.held(worker);
        return Math.max(1, tokens) / rate(worker.load(), config);
    }

    private static double rate(Load load, RouteConfig config) {
        return load.prefillTokensPerSecond() > 0
                ? load.prefillTokensPerSecond()
                : config.assumedPrefillTokensPerSecond();
    }

    private static Scored better(RequestFeatures request, @Nullable Scored best, Scored next) {
        if (best == null || next.seconds() < best.seconds() - TIE_SECONDS) {
            return next;
        }
        if (next.seconds() > best.seconds() + TIE_SECONDS) {
            return best;
        }
        return preference(request, next.worker()) > preference(request, best.worker())
                ? next
                : best;
    }

    /** Rendezvous hashing: stable for a request, even over workers. */
    private static long preference(RequestFeatures request, WorkerView worker) {
        long hash = 31L * request.requestId().hashCode() + worker.id().hashCode();
        hash = (hash ^ (hash >>> 30)) * 0xbf58476d1ce4e5b9L;
        hash = (hash ^ (hash >>> 27)) * 0x94d049bb133111ebL;
        return hash ^ (hash >>> 31);
    }

    private static Candidate candidate(Scored scored, String purpose) {
        return new Candidate(scored.worker().id(), purpose, scored.seconds(), scored.detail());
    }
}
