package io.baton.common.text;

import static io.baton.common.text.VocabularyReader.invalid;

import io.baton.common.model.GgufMetadata;
import java.util.List;
import java.util.OptionalInt;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Builds tokenizers from a model file's {@code tokenizer.ggml.*} keys.
 *
 * <table>
 * <caption>What is read</caption>
 * <tr><td>{@code model}</td><td>{@code gpt2} (byte-level BPE), {@code llama} (SentencePiece by
 * scores), {@code gemma4} and {@code bpe-characters} (BPE over characters); anything else is
 * refused</td></tr>
 * <tr><td>{@code pre}</td><td>the pre-tokenizer's name, for BPE</td></tr>
 * <tr><td>{@code tokens}, {@code token_type}, {@code merges}, {@code scores}</td><td>the
 * vocabulary</td></tr>
 * <tr><td>{@code bos_token_id}, {@code eos_token_id}, {@code eot_token_id}, ...</td><td>special
 * tokens</td></tr>
 * <tr><td>{@code add_bos_token}, {@code add_eos_token}, {@code add_space_prefix}</td><td>what is
 * added to a text</td></tr>
 * </table>
 */
public final class Tokenizers {
    private static final Logger LOG = LoggerFactory.getLogger(Tokenizers.class);

    private static final String MODEL = TokenizerKeys.MODEL;
    private static final String ADD_SPACE_PREFIX = VocabularyReader.PREFIX + "add_space_prefix";

    private Tokenizers() {}

    /**
     * The tokenizer that a model file describes.
     *
     * @throws io.baton.common.error.BatonException MODEL_FILE_INVALID, naming the key and its
     *     value, if a key is missing, wrong or of a kind that Baton does not know
     */
    public static Tokenizer of(GgufMetadata metadata) {
        String model = metadata.string(MODEL).orElseThrow(() -> invalid(MODEL, "is missing"));
        return switch (model) {
            case "gpt2" -> bytePair(metadata, metadata.string(PreTokenizers.KEY).orElse(""));
            case "gemma4" -> bytePair(metadata, "gemma4");
            case "llama" -> sentencePiece(metadata);
            case TokenizerKeys.CHARACTERS -> bytePair(metadata, PreTokenizer.wholeText());
            default ->
                    throw invalid(
                            MODEL, "unknown tokenizer '%s'; known are gpt2, llama, gemma4", model);
        };
    }

    private static Tokenizer bytePair(GgufMetadata metadata, String name) {
        if (name.isEmpty()) {
            LOG.warn(
                    "{} is missing; using 'default', which the model was hardly trained with:"
                            + " convert the file again",
                    PreTokenizers.KEY);
        }
        return bytePair(metadata, PreTokenizers.named(name.isEmpty() ? null : name));
    }

    private static Tokenizer bytePair(GgufMetadata metadata, PreTokenizer named) {
        PreTokenizer preTokenizer =
                metadata.bool(TokenizerKeys.IGNORE_MERGES)
                        .map(named::withIgnoresMerges)
                        .orElse(named);
        boolean raw = preTokenizer.options().raw();
        VocabularyReader reader = new VocabularyReader(metadata);
        List<String> merges = reader.merges();
        Vocabulary vocabulary =
                reader.read(
                        new VocabularyReader.Defaults(
                                raw
                                        ? Vocabulary.Spelling.ESCAPED_SPACES
                                        : Vocabulary.Spelling.BYTE_CHARACTERS,
                                preTokenizer.options().addsBos(),
                                OptionalInt.empty(),
                                OptionalInt.empty()));
        BytePairEncoder encoder =
                new BytePairEncoder(
                        new BytePairVocabulary(vocabulary.table(), merges, raw), preTokenizer);
        boolean nfc = metadata.string(TokenizerKeys.NORMALIZER).orElse("none").equals("nfc");
        SpacePrefix prefix =
                SpacePrefix.of(metadata.string(TokenizerKeys.SPACE_PREFIX).orElse("never"));
        boolean prepared = nfc || prefix != SpacePrefix.NEVER;
        return new VocabularyTokenizer(
                vocabulary,
                prepared ? new PreparingEncoder(encoder, nfc, prefix) : encoder,
                prefix != SpacePrefix.NEVER);
    }

    private static Tokenizer sentencePiece(GgufMetadata metadata) {
        VocabularyReader reader = new VocabularyReader(metadata);
        boolean spacePrefix = metadata.bool(ADD_SPACE_PREFIX).orElse(true);
        // SentencePiece's own places of <s> and </s>.
        Vocabulary vocabulary =
                reader.read(
                        new VocabularyReader.Defaults(
                                Vocabulary.Spelling.ESCAPED_SPACES,
                                true,
                                OptionalInt.of(1),
                                OptionalInt.of(2)));
        return new VocabularyTokenizer(
                vocabulary,
                new SentencePieceEncoder(
                        vocabulary.table(),
                        reader.scores(),
                        reader.id("unknown").orElse(unknown(vocabulary)),
                        spacePrefix),
                spacePrefix);
    }

    private static int unknown(Vocabulary vocabulary) {
        return (vocabulary.kinds()[0] & TokenKinds.UNKNOWN) != 0 ? 0 : -1;
    }
}
