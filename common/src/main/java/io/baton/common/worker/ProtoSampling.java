package io.baton.common.worker;

import io.baton.common.error.BatonException;
import io.baton.common.error.ErrorCode;
import io.baton.common.generation.Constraint;
import io.baton.common.generation.SamplingParams;
import io.baton.common.generation.TokenOutput;
import io.baton.common.proto.Sampling;
import io.baton.common.proto.Token;
import io.baton.common.proto.TopLogprob;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Sampling parameters and tokens, to and from protobuf. What comes from the wire is checked here
 * once: downstream relies on the ranges that {@link SamplingParams} states.
 */
public final class ProtoSampling {
    /** Most stop texts of a request. */
    public static final int MAX_STOPS = 64;

    /** Most UTF-16 units of a stop text. */
    public static final int MAX_STOP_CHARACTERS = 1024;

    /** Most stop tokens, and most entries of {@code logit_bias}. */
    public static final int MAX_TOKEN_ENTRIES = 4096;

    /** Most alternatives reported beside a chosen token. */
    public static final int MAX_LOGPROBS = 128;

    private ProtoSampling() {}

    /** To the wire. */
    public static Sampling toProto(SamplingParams params) {
        Sampling.Builder proto =
                Sampling.newBuilder()
                        .setMaxTokens(params.maxTokens())
                        .setMinTokens(params.minTokens())
                        .setTemperature(params.temperature())
                        .setTopK(params.topK())
                        .setTopP(params.topP())
                        .setMinP(params.minP())
                        .setFrequencyPenalty(params.frequencyPenalty())
                        .setPresencePenalty(params.presencePenalty())
                        .setRepetitionPenalty(params.repetitionPenalty())
                        .putAllLogitBias(params.logitBias())
                        .setSeed(params.seed())
                        .addAllStop(params.stop())
                        .addAllStopTokenIds(params.stopTokenIds())
                        .setIncludeStop(params.includeStop())
                        .setIgnoreEos(params.ignoreEos())
                        .setSkipSpecialTokens(params.skipSpecialTokens())
                        .setLogprobs(params.logprobs())
                        .setPromptLogprobs(params.promptLogprobs())
                        .addAllShownTokens(params.shownTokens());
        Constraint constraint = params.constraint();
        if (constraint != null) {
            proto.setConstraint(
                    io.baton.common.proto.Constraint.newBuilder()
                            .setKind(constraint.kind().wire())
                            .setText(constraint.text()));
        }
        return proto.build();
    }

    private static Set<Integer> shownTokens(Sampling proto, int vocab) {
        within("number of shown tokens", proto.getShownTokensCount(), 0, MAX_TOKEN_ENTRIES);
        Set<Integer> shown = new LinkedHashSet<>(proto.getShownTokensList());
        shown.forEach(id -> within("shown token", id, 0, vocab - 1));
        return shown;
    }

    private static @Nullable Constraint constraint(Sampling proto) {
        if (!proto.hasConstraint()) {
            return null;
        }
        String text = proto.getConstraint().getText();
        within("length of a constraint", text.length(), 0, Constraint.MAX_CHARACTERS);
        for (Constraint.Kind kind : Constraint.Kind.values()) {
            if (kind.wire().equals(proto.getConstraint().getKind())) {
                return new Constraint(kind, text);
            }
        }
        throw new BatonException(
                ErrorCode.INVALID_VALUE,
                "this worker does not know constraints of the kind '%s'; router and worker differ in version"
                        .formatted(proto.getConstraint().getKind()),
                "constraint");
    }

    /**
     * From the wire.
     *
     * @param vocab size of the vocabulary; bounds token ids
     * @throws BatonException INVALID_VALUE naming the parameter that is out of its range
     */
    public static SamplingParams fromProto(Sampling proto, int vocab) {
        within("max_tokens", proto.getMaxTokens(), 1, Integer.MAX_VALUE);
        within("min_tokens", proto.getMinTokens(), 0, proto.getMaxTokens());
        within("temperature", proto.getTemperature(), 0, Float.MAX_VALUE);
        within("top_k", proto.getTopK(), 0, Integer.MAX_VALUE);
        within("top_p", proto.getTopP(), Float.MIN_VALUE, 1);
        within("min_p", proto.getMinP(), 0, 1);
        within("frequency_penalty", proto.getFrequencyPenalty(), -2, 2);
        within("presence_penalty", proto.getPresencePenalty(), -2, 2);
        within(
                "repetition_penalty",
                proto.getRepetitionPenalty(),
                Float.MIN_VALUE,
                Float.MAX_VALUE);
        within("logprobs", proto.getLogprobs(), -1, MAX_LOGPROBS);
        int promptLogprobs = proto.hasPromptLogprobs() ? proto.getPromptLogprobs() : -1;
        within("prompt_logprobs", promptLogprobs, -1, MAX_LOGPROBS);
        within("number of stop texts", proto.getStopCount(), 0, MAX_STOPS);
        within("number of stop tokens", proto.getStopTokenIdsCount(), 0, MAX_TOKEN_ENTRIES);
        within("size of logit_bias", proto.getLogitBiasCount(), 0, MAX_TOKEN_ENTRIES);
        for (String stop : proto.getStopList()) {
            within("length of a stop text", stop.length(), 1, MAX_STOP_CHARACTERS);
        }
        Set<Integer> stopTokens = new LinkedHashSet<>(proto.getStopTokenIdsList());
        stopTokens.forEach(id -> within("stop token", id, 0, vocab - 1));
        proto.getLogitBiasMap()
                .forEach(
                        (id, bias) -> {
                            within("token of logit_bias", id, 0, vocab - 1);
                            within("logit_bias", bias, -100, 100);
                        });
        return new SamplingParams(
                proto.getMaxTokens(),
                proto.getMinTokens(),
                proto.getTemperature(),
                proto.getTopK(),
                proto.getTopP(),
                proto.getMinP(),
                proto.getFrequencyPenalty(),
                proto.getPresencePenalty(),
                proto.getRepetitionPenalty(),
                proto.getLogitBiasMap(),
                proto.getSeed(),
                proto.getStopList(),
                stopTokens,
                proto.getIncludeStop(),
                proto.getIgnoreEos(),
                proto.getSkipSpecialTokens(),
                proto.getLogprobs(),
                promptLogprobs,
                constraint(proto),
                shownTokens(proto, vocab));
    }

    /** A token with what it adds to the visible text. */
    public static Token toProto(TokenOutput token, String text) {
        Token.Builder proto =
                Token.newBuilder()
                        .setIndex(token.index())
                        .setId(token.token())
                        .setText(text)
                        .setLogprob(token.logprob());
        for (TokenOutput.TopToken top : token.top()) {
            proto.addTop(TopLogprob.newBuilder().setId(top.token()).setLogprob(top.logprob()));
        }
        if (token.logitsSha256() != null) {
            proto.setLogitsSha256(token.logitsSha256());
        }
        return proto.build();
    }

    /**
     * A token from the wire; its text is left out.
     *
     * @throws BatonException INVALID_VALUE if an id is outside the vocabulary
     */
    public static TokenOutput fromProto(Token proto, int vocab) {
        within("token index", proto.getIndex(), 0, Integer.MAX_VALUE);
        within("token id", proto.getId(), 0, vocab - 1);
        within("number of alternatives", proto.getTopCount(), 0, MAX_LOGPROBS);
        List<TokenOutput.TopToken> top = new ArrayList<>(proto.getTopCount());
        for (TopLogprob entry : proto.getTopList()) {
            within("alternative's id", entry.getId(), 0, vocab - 1);
            top.add(new TokenOutput.TopToken(entry.getId(), entry.getLogprob()));
        }
        String sha = proto.getLogitsSha256();
        return new TokenOutput(
                proto.getIndex(),
                proto.getId(),
                proto.getLogprob(),
                top,
                sha.isEmpty() ? null : sha);
    }

    /** NaN is outside every range. */
    private static void within(String name, double value, double low, double high) {
        if (!(value >= low && value <= high)) {
            throw new BatonException(
                    ErrorCode.INVALID_VALUE,
                    "%s is %s, allowed are %s to %s"
                            .formatted(name, number(value), number(low), number(high)),
                    name);
        }
    }

    private static String number(double value) {
        return value == Math.rint(value) && Math.abs(value) < 1e15
                ? Long.toString((long) value)
                : Double.toString(value);
    }
}
