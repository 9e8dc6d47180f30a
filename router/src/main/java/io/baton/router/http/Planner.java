package io.baton.router.http;

import com.google.protobuf.ByteString;
import io.baton.common.error.BatonException;
import io.baton.common.error.ErrorCode;
import io.baton.common.generation.ServiceTerms;
import io.baton.common.grammar.Grammars;
import io.baton.common.openai.Answer.Head;
import io.baton.common.openai.AnswerJson;
import io.baton.common.openai.ChatRequest;
import io.baton.common.openai.CompletionRequest;
import io.baton.common.openai.Endpoint;
import io.baton.common.openai.GenerationOptions;
import io.baton.common.openai.Prompt;
import io.baton.common.openai.TextRequests.TemplateUse;
import io.baton.common.openai.ToolUse;
import io.baton.common.text.PromptText;
import io.baton.common.text.TokenDecoder;
import io.baton.common.text.Tokenizer;
import io.baton.common.tools.ToolStyle;
import io.baton.router.dispatch.Job;
import io.baton.router.dispatch.TenantSalts;
import io.baton.router.dispatch.TenantWeights;
import io.baton.router.registry.PoolView;
import io.baton.router.registry.Registry;
import io.baton.router.registry.ServedText;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.function.LongSupplier;
import java.util.random.RandomGenerator;

/**
 * Turns a parsed request into what is to be generated: the pool, the prompt's tokens, complete
 * parameters. Everything that can be wrong with a request is found here, before any worker hears of
 * it. Stateless; runs on virtual threads.
 */
final class Planner {
    private static final int DEFAULT_COMPLETION_TOKENS = 16;

    /** What a planner works with. */
    record Parts(
            Registry registry,
            Tenants tenants,
            RandomGenerator random,
            LongSupplier wallSeconds,
            int maxChoices) {}

    /** What tenants have of their own. */
    record Tenants(TenantSalts salts, TenantWeights weights) {}

    /** Who asks, and since when. */
    record Caller(String requestId, String tenant, String traceparent, long startNanos) {}

    private final Parts parts;

    Planner(Parts parts) {
        this.parts = parts;
    }

    AnswerPlan chat(ChatRequest request, Caller caller) {
        PoolView pool = parts.registry().pool(request.options().model());
        ServedText text = text(pool);
        ToolUse tools = request.tools();
        ToolStyle style = tools.isEmpty() ? null : style(text);
        int[] prompt =
                render(
                        text,
                        request,
                        new TemplateUse(
                                request.addGenerationPrompt(),
                                request.continueFinalMessage(),
                                request.templateVariables(),
                                tools.plain()));
        requirePrompt(prompt, pool, "messages");
        int room = pool.maxModelLen() - prompt.length;
        int maxTokens = maxTokens(request.options(), prompt.length, pool, room);
        return plan(
                new Draft(
                        Endpoint.CHAT,
                        request.options(),
                        pool,
                        text,
                        caller,
                        chat(text).stops(),
                        Language.of(request.options(), tools, style, chat(text))),
                List.of(prompt),
                List.of(maxTokens),
                List.of(Echo.NONE),
                -1);
    }

    AnswerPlan completion(CompletionRequest request, Caller caller) {
        PoolView pool = parts.registry().pool(request.options().model());
        ServedText text = text(pool);
        List<int[]> prompts = new ArrayList<>();
        List<Integer> maxTokens = new ArrayList<>();
        List<Echo> echoes = new ArrayList<>();
        for (Prompt prompt : request.prompts()) {
            int[] tokens =
                    switch (prompt) {
                        case Prompt.Text(String given) ->
                                text.tokenizer()
                                        .encode(
                                                PromptText.untrusted(given),
                                                request.options().addSpecialTokens());
                        case Prompt.Tokens(int[] ids) -> known(ids, pool);
                    };
            requirePrompt(tokens, pool, "prompt");
            prompts.add(tokens);
            maxTokens.add(
                    maxTokens(request.options(), tokens.length, pool, DEFAULT_COMPLETION_TOKENS));
            echoes.add(request.echo() ? echo(prompt, text.tokenizer()) : Echo.NONE);
        }
        return plan(
                new Draft(
                        Endpoint.COMPLETIONS,
                        request.options(),
                        pool,
                        text,
                        caller,
                        List.of(),
                        Language.of(request.options())),
                prompts,
                maxTokens,
                echoes,
                request.echo() ? request.options().sampling().logprobs() : -1);
    }

    /**
     * Tokenizer and template of a pool.
     *
     * @throws BatonException NO_WORKER while they are not here yet
     */
    static ServedText text(PoolView pool) {
        return pool.text()
                .orElseThrow(
                        () ->
                                new BatonException(
                                        ErrorCode.NO_WORKER,
                                        "the model's tokenizer is still on its way from a worker; try again in a moment"));
    }

    private static int[] render(ServedText text, ChatRequest request, TemplateUse use) {
        PromptText prompt = chat(text).render(request.messages(), use);
        return text.tokenizer().encode(prompt, request.options().addSpecialTokens());
    }

    /**
     * The template of a model.
     *
     * @throws BatonException NO_CHAT_TEMPLATE
     */
    static ServedText.Chat chat(ServedText text) {
        return text.chat()
                .orElseThrow(
                        () ->
                                new BatonException(
                                        ErrorCode.NO_CHAT_TEMPLATE,
                                        "this model has no chat template; use /v1/completions, or start the workers with --chat-template NAME|FILE",
                                        "messages"));
    }

    private static ToolStyle style(ServedText text) {
        return chat(text)
                .toolStyle()
                .orElseThrow(
                        () ->
                                new BatonException(
                                        ErrorCode.UNSUPPORTED_PARAMETER,
                                        "'tools' are not supported with this model: its template writes calls in a way that is not known here",
                                        "tools"));
    }

    private static Echo echo(Prompt prompt, Tokenizer tokenizer) {
        return switch (prompt) {
            case Prompt.Text(String given) -> new Echo(given, false);
            case Prompt.Tokens(int[] ids) ->
                    new Echo(TokenDecoder.decode(tokenizer, ids, false), true);
        };
    }

    private static int[] known(int[] ids, PoolView pool) {
        int vocab = pool.card().getVocab();
        for (int id : ids) {
            if (id >= vocab) {
                throw new BatonException(
                        ErrorCode.INVALID_VALUE,
                        "'prompt' names token %d, the vocabulary has 0 to %d"
                                .formatted(id, vocab - 1),
                        "prompt");
            }
        }
        return ids;
    }

    private static void requirePrompt(int[] prompt, PoolView pool, String param) {
        if (prompt.length == 0) {
            throw new BatonException(
                    ErrorCode.INVALID_VALUE, "'%s' has no tokens".formatted(param), param);
        }
        if (prompt.length >= pool.maxModelLen()) {
            throw new BatonException(
                    ErrorCode.CONTEXT_LENGTH_EXCEEDED,
                    "the prompt has %d tokens; this model takes %d for prompt and answer together, and one must be left for the answer"
                            .formatted(prompt.length, pool.maxModelLen()),
                    param);
        }
    }

    private static int maxTokens(
            GenerationOptions options, int promptTokens, PoolView pool, int fallback) {
        int room = pool.maxModelLen() - promptTokens;
        int asked = options.maxTokens().orElse(Math.min(fallback, room));
        if (asked > room) {
            throw new BatonException(
                    ErrorCode.CONTEXT_LENGTH_EXCEEDED,
                    "the prompt has %d tokens and %d were asked for, together %d; this model takes %d, so ask for at most %d"
                            .formatted(
                                    promptTokens,
                                    asked,
                                    (long) promptTokens + asked,
                                    pool.maxModelLen(),
                                    room),
                    "max_tokens");
        }
        if (options.sampling().minTokens() > asked) {
            throw new BatonException(
                    ErrorCode.INVALID_VALUE,
                    "'min_tokens' must be at most max_tokens, here %d".formatted(asked),
                    "min_tokens");
        }
        return asked;
    }

    private record Draft(
            Endpoint endpoint,
            GenerationOptions options,
            PoolView pool,
            ServedText text,
            Caller caller,
            List<String> stops,
            Language language) {
        Tokenizer tokenizer() {
            return text.tokenizer();
        }

        Grammars grammars() {
            return text.grammars();
        }
    }

    private AnswerPlan plan(
            Draft draft,
            List<int[]> prompts,
            List<Integer> maxTokens,
            List<Echo> echoes,
            int promptLogprobs) {
        GenerationOptions options = draft.options();
        if (options.n() > parts.maxChoices()) {
            throw new BatonException(
                    ErrorCode.INVALID_VALUE,
                    "'n' must be at most %d here".formatted(parts.maxChoices()),
                    "n");
        }
        options.sampling().requireVocabulary(draft.pool().card().getVocab());
        Language language = draft.language();
        language.check(draft.grammars());
        long seed = options.sampling().seed().orElseGet(parts.random()::nextLong);
        List<Job.Answer> answers = new ArrayList<>();
        List<Echo> allEchoes = new ArrayList<>();
        int promptTokens = 0;
        for (int i = 0; i < prompts.size(); i++) {
            promptTokens += prompts.get(i).length;
            for (int k = 0; k < options.n(); k++) {
                answers.add(
                        new Job.Answer(
                                prompts.get(i),
                                options.sampling()
                                        .params(
                                                maxTokens.get(i),
                                                seed + k,
                                                draft.text().recommended())
                                        .withStops(draft.stops())
                                        .withConstraint(language.constraint())
                                        .withShownTokens(language.shownTokens())
                                        .withPromptLogprobs(promptLogprobs)));
                allEchoes.add(echoes.get(i));
            }
        }
        Caller caller = draft.caller();
        String model = options.model() == null ? draft.pool().names().getFirst() : options.model();
        Job job =
                new Job(
                        caller.requestId(),
                        model,
                        draft.pool(),
                        answers,
                        ByteString.copyFrom(
                                parts.tenants()
                                        .salts()
                                        .salt(caller.tenant(), options.labels().cacheSalt())),
                        new Job.Trace(caller.traceparent(), options.labels().sessionId()),
                        service(caller, options.service()),
                        caller.startNanos());
        return new AnswerPlan(
                job,
                options,
                AnswerJson.of(draft.endpoint(), head(draft, model)),
                draft.tokenizer(),
                allEchoes,
                language.tools(parts.random()),
                promptTokens);
    }

    private Job.Service service(Caller caller, GenerationOptions.Service asked) {
        return new Job.Service(
                new ServiceTerms(
                        caller.tenant(),
                        parts.tenants().weights().of(caller.tenant()),
                        asked.priority(),
                        asked.speculate()),
                asked.deadlineMillis().isPresent()
                        ? TimeUnit.MILLISECONDS.toNanos(asked.deadlineMillis().getAsLong())
                        : Long.MAX_VALUE);
    }

    private Head head(Draft draft, String model) {
        String prefix =
                switch (draft.endpoint()) {
                    case CHAT -> "chatcmpl-";
                    case COMPLETIONS -> "cmpl-";
                };
        String fingerprint = draft.pool().fingerprint();
        return new Head(
                "%s%016x%08x"
                        .formatted(prefix, parts.random().nextLong(), parts.random().nextInt()),
                parts.wallSeconds().getAsLong(),
                model,
                "fp_" + fingerprint.substring(0, Math.min(12, fingerprint.length())));
    }
}
