package io.baton.router.http;

import io.baton.common.error.BatonException;
import io.baton.common.error.ErrorCode;
import io.baton.common.openai.ChatRequest;
import io.baton.common.openai.CompletionRequest;
import io.baton.common.openai.Endpoint;
import io.baton.common.openai.GenerationOptions;
import io.baton.common.openai.OpenAiJson;
import io.baton.common.openai.RequestParser;
import io.baton.common.openai.Usage;
import io.baton.common.time.Ticker;
import io.baton.router.dispatch.Dispatcher;
import io.baton.router.dispatch.RequestLedger;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Chat and text completions: from a body's bytes to the end of the answer. Runs on virtual threads.
 */
final class GenerationEndpoint {
    private static final Logger LOG = LoggerFactory.getLogger(GenerationEndpoint.class);
    private static final String LEDGER_HEADER = "X-Baton-Ledger";
    private static final int MAX_LEDGER_HEADER = 6 << 10;

    private final Planner planner;
    private final Dispatcher dispatcher;
    private final Ticker ticker;
    private final long stallNanos;

    GenerationEndpoint(Planner planner, Dispatcher dispatcher, Ticker ticker, long stallNanos) {
        this.planner = planner;
        this.dispatcher = dispatcher;
        this.ticker = ticker;
        this.stallNanos = stallNanos;
    }

    /** Serves one request; every outcome is answered. */
    void serve(Endpoint endpoint, Exchange exchange, byte[] body) {
        long start = ticker.nanos();
        try {
            AnswerPlan plan = plan(endpoint, exchange, body, start);
            if (plan.options().streaming().stream()) {
                stream(plan, exchange);
            } else {
                whole(plan, exchange);
            }
        } catch (BatonException e) {
            dispatcher.refused(e.code());
            exchange.fail(e);
        } catch (RuntimeException e) {
            LOG.error("request {} failed in the router's own code", exchange.id(), e);
            dispatcher.refused(ErrorCode.INTERNAL);
            exchange.fail(
                    new BatonException(
                            ErrorCode.INTERNAL,
                            "the router failed; its log has the details under the request id"));
        }
    }

    private AnswerPlan plan(Endpoint endpoint, Exchange exchange, byte[] body, long start) {
        return switch (endpoint) {
            case CHAT -> {
                ChatRequest request = RequestParser.chat(body);
                yield planner.chat(request, caller(exchange, request.options(), start));
            }
            case COMPLETIONS -> {
                CompletionRequest request = RequestParser.completion(body);
                yield planner.completion(request, caller(exchange, request.options(), start));
            }
        };
    }

    private static Planner.Caller caller(Exchange exchange, GenerationOptions options, long start) {
        String wanted = options.labels().requestId();
        String header = exchange.request().getHeader("X-Request-Id");
        if (wanted != null && header != null && !wanted.equals(header)) {
            throw new BatonException(
                    ErrorCode.INVALID_VALUE,
                    "'request_id' differs from the X-Request-Id header; send one of them",
                    "request_id");
        }
        String id = wanted == null ? exchange.id() : wanted;
        exchange.header("X-Request-Id", id);
        return new Planner.Caller(id, exchange.tenant(), exchange.traceparent(), start);
    }

    private void whole(AnswerPlan plan, Exchange exchange) {
        WholeAnswer answer = new WholeAnswer(plan);
        RequestLedger ledger = dispatcher.run(plan.job(), answer, exchange.gone());
        if (wantsLedger(exchange)) {
            exchange.header(LEDGER_HEADER, headerText(ledger));
        }
        exchange.json(plan.json().whole(answer.choices(), usage(plan, ledger)));
    }

    private void stream(AnswerPlan plan, Exchange exchange) {
        SseStream stream = new SseStream(exchange, stallNanos);
        StreamedAnswer answer = new StreamedAnswer(plan, stream);
        try {
            RequestLedger ledger = dispatcher.run(plan.job(), answer, exchange.gone());
            if (plan.options().streaming().includeUsage()) {
                stream.event(plan.json().usage(usage(plan, ledger)));
            }
            if (wantsLedger(exchange)) {
                stream.comment("baton-ledger " + ledger.toJson(false));
            }
            stream.done();
        } catch (BatonException e) {
            if (!stream.isOpen()) {
                throw e;
            }
            dispatcher.refused(e.code());
            if (e.code() != ErrorCode.CLIENT_CLOSED) {
                broken(stream, exchange, e);
            }
        }
    }

    private static void broken(SseStream stream, Exchange exchange, BatonException error) {
        try {
            stream.event(OpenAiJson.error(error));
            stream.done();
        } catch (BatonException e) {
            LOG.debug("{}: the client is gone, it cannot hear of {}", exchange.id(), error.text());
        }
    }

    /** Prompt tokens once per prompt; reuse as the first choice of each prompt saw it. */
    private static Usage usage(AnswerPlan plan, RequestLedger ledger) {
        int cached = 0;
        int completion = 0;
        for (int i = 0; i < ledger.sequences().size(); i++) {
            completion += ledger.sequences().get(i).completionTokens();
            if (i % plan.options().n() == 0) {
                cached += ledger.sequences().get(i).cached();
            }
        }
        return plan.usage(completion, cached);
    }

    private static boolean wantsLedger(Exchange exchange) {
        return "1".equals(exchange.request().getHeader(LEDGER_HEADER));
    }

    private static String headerText(RequestLedger ledger) {
        String json = ledger.toJson(false);
        return json.length() <= MAX_LEDGER_HEADER && json.chars().allMatch(c -> c >= 32 && c < 127)
                ? json
                : "{\"id\":\"%s\",\"see\":\"/admin/requests/%s\"}"
                        .formatted(ledger.id(), ledger.id());
    }
}
