package io.baton.router.fake;

import io.baton.common.model.GgufFile;
import io.baton.common.model.SamplingKeys;
import io.baton.common.model.TinyModel;
import io.baton.common.proto.GenerationSpec;
import io.baton.common.proto.KvFormat;
import io.baton.common.proto.ModelCard;
import io.baton.common.proto.Token;
import io.baton.common.proto.TopLogprob;
import io.baton.common.text.PromptText;
import io.baton.common.text.TokenDecoder;
import io.baton.common.text.Tokenizer;
import io.baton.common.text.Tokenizers;
import io.baton.common.worker.ModelText;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;

/**
 * A model whose next token is a function of prompt and index alone, so that answers must be the
 * same whichever workers give them. Its tokenizer and template are a tiny model's real ones.
 */
public final class FakeModel {
    /** Tokens of prompt and answer. */
    public static final int MAX_LEN = 512;

    /** What the model recommends where a request says nothing. */
    public static final float TEMPERATURE = 0.6f;

    public static final float MIN_P = 0.05f;

    /** The only instance. */
    public static final FakeModel INSTANCE = new FakeModel();

    private final ModelText text;
    private final Tokenizer tokenizer;
    private final String fingerprint;

    private FakeModel() {
        try (GgufFile file = GgufFile.ofBytes(TinyModel.llama().toBytes())) {
            text = new ModelText(recommending(file.textArtifact()), TinyModel.CHATML);
            tokenizer = Tokenizers.of(file);
            fingerprint = file.fingerprint();
        }
    }

    /** A GGUF file with {@link SamplingKeys} before its other keys. */
    private static byte[] recommending(byte[] gguf) {
        byte[] keys = float32(SamplingKeys.TEMPERATURE, TEMPERATURE);
        byte[] more = float32(SamplingKeys.MIN_P, MIN_P);
        int head = 24;
        ByteBuffer out =
                ByteBuffer.allocate(gguf.length + keys.length + more.length + 32)
                        .order(ByteOrder.LITTLE_ENDIAN)
                        .put(gguf, 0, head)
                        .put(keys)
                        .put(more)
                        .put(gguf, head, gguf.length - head);
        return out.putLong(16, out.getLong(16) + 2).array();
    }

    private static byte[] float32(String key, float value) {
        byte[] name = key.getBytes(StandardCharsets.US_ASCII);
        return ByteBuffer.allocate(name.length + 16)
                .order(ByteOrder.LITTLE_ENDIAN)
                .putLong(name.length)
                .put(name)
                .putInt(6)
                .putFloat(value)
                .array();
    }

    public ModelText text() {
        return text;
    }

    public Tokenizer tokenizer() {
        return tokenizer;
    }

    public ModelCard card() {
        return ModelCard.newBuilder()
                .setName("fake")
                .addAliases("alias")
                .setFingerprint(fingerprint)
                .setVocab(tokenizer.vocabSize())
                .setMaxModelLen(MAX_LEN)
                .setTextFingerprint(text.fingerprint())
                .setChatTemplateOrigin("file")
                .build();
    }

    public KvFormat kv() {
        return KvFormat.newBuilder()
                .setLayers(2)
                .setKvHeads(1)
                .setHeadDim(8)
                .setDtype("f32")
                .setBlockTokens(16)
                .setChunkTokens(32)
                .setKeyFormatVersion(1)
                .setNumericProfile("fake")
                .build();
    }

    /** The id of an answer's token. */
    public int id(GenerationSpec spec, int index) {
        long sum = spec.getSampling().getSeed();
        for (int id : spec.getPromptList()) {
            sum = 31 * sum + id;
        }
        int letters = 26;
        int letter = (int) Math.floorMod(sum + 7L * index, (long) letters);
        return letterToken(letter);
    }

    /** The id of the token that is a letter: 0 is a. */
    public int letter(int letter) {
        return letterToken(letter);
    }

    private int letterToken(int letter) {
        return tokenizer
                .encode(PromptText.untrusted(String.valueOf((char) ('a' + letter))), false)[0];
    }

    /** The whole answer's text. */
    public String answer(GenerationSpec spec) {
        StringBuilder answer = new StringBuilder();
        for (int i = 0; i < spec.getSampling().getMaxTokens(); i++) {
            answer.append(visible(id(spec, i)));
        }
        return answer.toString();
    }

    private String visible(int id) {
        return TokenDecoder.decode(tokenizer, new int[] {id}, true);
    }

    /** An answer's token as workers send it. */
    public Token token(GenerationSpec spec, int index) {
        Token.Builder token =
                Token.newBuilder()
                        .setIndex(index)
                        .setId(id(spec, index))
                        .setText(visible(id(spec, index)));
        if (spec.getSampling().getLogprobs() >= 0) {
            token.setLogprob(-0.5f);
            for (int i = 0; i < spec.getSampling().getLogprobs(); i++) {
                token.addTop(TopLogprob.newBuilder().setId(letterToken(i)).setLogprob(-0.5f - i));
            }
        }
        return token.build();
    }
}
