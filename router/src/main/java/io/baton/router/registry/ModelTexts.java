package io.baton.router.registry;

import io.baton.common.error.BatonException;
import io.baton.common.time.Ticker;
import io.baton.common.worker.ModelText;
import io.baton.common.worker.ModelTextClient;
import io.grpc.Channel;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.Executor;
import java.util.concurrent.TimeUnit;
import java.util.function.Function;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Tokenizers and templates by fingerprint: from this host if it has the model, else fetched from a
 * worker in the background and checked. At most {@value #MAX_KEPT} are kept. Safe for any thread.
 */
public final class ModelTexts {
    private static final Logger LOG = LoggerFactory.getLogger(ModelTexts.class);
    private static final int MAX_KEPT = 8;
    private static final long FETCH_NANOS = TimeUnit.SECONDS.toNanos(30);
    private static final long RETRY_NANOS = TimeUnit.SECONDS.toNanos(1);

    /**
     * Where texts come from.
     *
     * @param local this host's own artifacts, by fingerprint
     * @param factory builds tokenizer and template
     */
    public record Sources(
            Function<String, Optional<ModelText>> local, ServedText.Factory factory) {}

    private final Sources sources;
    private final Ticker ticker;
    private final Executor executor;
    private final Map<String, ServedText> kept = new LinkedHashMap<>(16, 0.75f, true);
    private final Map<String, Long> tried = new HashMap<>();

    /**
     * @param executor runs fetches, which block
     */
    public ModelTexts(Sources sources, Ticker ticker, Executor executor) {
        this.sources = sources;
        this.ticker = ticker;
        this.executor = executor;
    }

    /** The text with this fingerprint, if it is there. */
    public synchronized Optional<ServedText> get(String fingerprint) {
        return Optional.ofNullable(kept.get(fingerprint));
    }

    /** Sees to it that a text gets here, at most one attempt a second; returns at once. */
    void want(String fingerprint, Channel channel) {
        synchronized (this) {
            long now = ticker.nanos();
            Long last = tried.get(fingerprint);
            if (kept.containsKey(fingerprint) || (last != null && now - last < RETRY_NANOS)) {
                return;
            }
            if (tried.size() > MAX_KEPT) {
                tried.clear();
            }
            tried.put(fingerprint, now);
        }
        executor.execute(() -> load(fingerprint, channel));
    }

    private void load(String fingerprint, Channel channel) {
        try {
            Optional<ModelText> local = sources.local().apply(fingerprint);
            ModelText text =
                    local.isPresent()
                            ? local.get()
                            : ModelTextClient.fetch(channel, fingerprint, FETCH_NANOS);
            ServedText served = sources.factory().build(text);
            synchronized (this) {
                kept.put(fingerprint, served);
                if (kept.size() > MAX_KEPT) {
                    kept.remove(kept.keySet().iterator().next());
                }
            }
            LOG.info(
                    "tokenizer and template {} are here, from {}",
                    fingerprint,
                    local.isPresent() ? "this host" : "a worker");
        } catch (BatonException e) {
            LOG.warn("tokenizer and template {} cannot be had: {}", fingerprint, e.text());
        }
    }
}
