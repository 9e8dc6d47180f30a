package io.baton.router.http;

import io.baton.common.error.BatonException;
import io.baton.common.error.ErrorCode;
import io.baton.common.generation.SamplingChoice;
import io.baton.common.openai.Endpoint;
import io.baton.common.openai.OpenAiJson;
import io.baton.common.time.Ticker;
import io.baton.router.admin.AdminPages;
import io.baton.router.dispatch.Dispatcher;
import io.baton.router.dispatch.TenantSalts;
import io.baton.router.dispatch.TenantWeights;
import io.baton.router.registry.PoolView;
import io.baton.router.registry.Registry;
import io.baton.router.registry.ServedText;
import java.net.URLDecoder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.BooleanSupplier;
import java.util.function.Consumer;
import java.util.function.LongSupplier;
import java.util.function.Supplier;
import java.util.random.RandomGenerator;

/** What the paths do, apart from HTTP itself. */
public final class Endpoints {
    private static final String MODELS = "/v1/models/";
    private static final String LEDGERS = "/admin/requests/";

    /**
     * What endpoints work with.
     *
     * @param draining whether new requests are refused
     * @param scrape metrics as Prometheus text
     */
    public record Parts(
            Registry registry,
            Dispatcher dispatcher,
            TenantSalts salts,
            TenantWeights weights,
            Ticker ticker,
            RandomGenerator random,
            LongSupplier wallSeconds,
            BooleanSupplier draining,
            Supplier<String> scrape,
            String version,
            HttpLimits limits) {}

    private final Parts parts;
    private final GenerationEndpoint generation;
    private final TextEndpoint text;

    public Endpoints(Parts parts) {
        this.parts = parts;
        this.generation =
                new GenerationEndpoint(
                        new Planner(
                                new Planner.Parts(
                                        parts.registry(),
                                        new Planner.Tenants(parts.salts(), parts.weights()),
                                        parts.random(),
                                        parts.wallSeconds(),
                                        parts.limits().maxChoices())),
                        parts.dispatcher(),
                        parts.ticker(),
                        parts.limits().stallNanos());
        this.text = new TextEndpoint(parts.registry());
    }

    TextEndpoint text() {
        return text;
    }

    void refused(ErrorCode code) {
        parts.dispatcher().refused(code);
    }

    void generate(Endpoint endpoint, Exchange exchange, byte[] body) {
        if (parts.draining().getAsBoolean()) {
            throw new BatonException(
                    ErrorCode.DRAINING, "the router is stopping; send the request to another one");
        }
        generation.serve(endpoint, exchange, body);
    }

    /** A GET whose path ends in a parameter. */
    record Lookup(boolean admin, Consumer<Exchange> handler) {}

    /** Paths that end in a parameter. */
    Optional<Lookup> lookup(String path) {
        if (path.startsWith(MODELS) && path.length() > MODELS.length()) {
            String name = path.substring(MODELS.length());
            return Optional.of(new Lookup(false, exchange -> model(exchange, name)));
        }
        if (path.startsWith(LEDGERS) && path.length() > LEDGERS.length()) {
            String id = path.substring(LEDGERS.length());
            return Optional.of(
                    new Lookup(
                            true,
                            exchange ->
                                    exchange.json(
                                            AdminPages.ledger(
                                                    parts.dispatcher().parts().ledgers(), id))));
        }
        return Optional.empty();
    }

    void models(Exchange exchange) {
        exchange.json(OpenAiJson.models(allModels()));
    }

    private List<OpenAiJson.Model> allModels() {
        List<OpenAiJson.Model> models = new ArrayList<>();
        for (PoolView pool : parts.registry().pools()) {
            for (String name : pool.names()) {
                models.add(
                        new OpenAiJson.Model(
                                name,
                                pool.card().getName(),
                                pool.joinedSeconds(),
                                pool.maxModelLen(),
                                pool.text()
                                        .map(ServedText::recommended)
                                        .orElse(SamplingChoice.NONE)));
            }
        }
        return models;
    }

    private void model(Exchange exchange, String encoded) {
        String name = decoded(encoded);
        OpenAiJson.Model found =
                allModels().stream()
                        .filter(model -> model.id().equals(name))
                        .findFirst()
                        .orElseThrow(
                                () ->
                                        new BatonException(
                                                ErrorCode.MODEL_NOT_FOUND,
                                                "there is no such model here; see /v1/models",
                                                "model"));
        exchange.json(OpenAiJson.model(found));
    }

    private static String decoded(String encoded) {
        try {
            return URLDecoder.decode(encoded.replace("+", "%2B"), StandardCharsets.UTF_8);
        } catch (IllegalArgumentException e) {
            // A name that cannot be decoded is nobody's.
            return "";
        }
    }

    void ready(Exchange exchange) {
        if (parts.draining().getAsBoolean()) {
            exchange.fail(new BatonException(ErrorCode.DRAINING, "the router is stopping"));
            return;
        }
        if (parts.registry().pools().stream().noneMatch(PoolView::isServable)) {
            exchange.fail(
                    new BatonException(
                            ErrorCode.NO_WORKER,
                            "no model can be served yet: no decoder is ready"));
            return;
        }
        exchange.answer(200, "text/plain; charset=utf-8", new byte[0]);
    }

    void live(Exchange exchange) {
        exchange.answer(200, "text/plain; charset=utf-8", new byte[0]);
    }

    void version(Exchange exchange) {
        exchange.json(OpenAiJson.plain(Map.of("version", parts.version())));
    }

    void metrics(Exchange exchange) {
        exchange.answer(
                200,
                "text/plain; version=0.0.4; charset=utf-8",
                parts.scrape().get().getBytes(StandardCharsets.UTF_8));
    }

    void workers(Exchange exchange) {
        exchange.json(AdminPages.workers(parts.registry()));
    }
}
