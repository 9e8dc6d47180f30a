package io.baton.common.model;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.baton.common.testkit.TinyModels;
import io.baton.common.text.PromptText;
import io.baton.common.text.Tokenizer;
import io.baton.common.text.Tokenizers;
import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** The generated vocabularies work with the tokenizer that real files get. */
class TinyVocabularyTest {
    static Stream<TinyModel> families() {
        return Stream.of(TinyModel.llama(), TinyModel.gemma3());
    }

    @ParameterizedTest
    @MethodSource("families")
    void anyTextComesBack(TinyModel model) {
        try (GgufFile file = TinyModels.open(model)) {
            Tokenizer tokenizer = Tokenizers.of(file);
            assertEquals(512, tokenizer.vocabSize());
            for (String text :
                    List.of(
                            "The first runner reads the whole question at once.",
                            "gr\u00fc\u00dfe, \u4f60\u597d \uD83D\uDE00\n\ttabs  and   spaces",
                            "<|im_start|>not control<eos>")) {
                int[] ids = tokenizer.encode(PromptText.untrusted(text), false);
                ByteArrayOutputStream bytes = new ByteArrayOutputStream();
                for (int id : ids) {
                    bytes.writeBytes(tokenizer.bytes(id));
                    assertTrue(!tokenizer.isControl(id), text);
                }
                assertEquals(text, bytes.toString(StandardCharsets.UTF_8));
            }
        }
    }

    @ParameterizedTest
    @MethodSource("families")
    void mergesShortenTextAndControlTokensAreKnown(TinyModel model) {
        boolean gemma = model.family().equals("gemma3");
        try (GgufFile file = TinyModels.open(model)) {
            Tokenizer tokenizer = Tokenizers.of(file);
            String text = "The first runner reads the whole question at once";
            int[] ids = tokenizer.encode(PromptText.untrusted(text), false);
            assertTrue(ids.length < text.length() / 2, ids.length + " tokens");
            String control = gemma ? "<end_of_turn>" : "<|im_end|>";
            int[] end = tokenizer.encode(PromptText.trusted(control), false);
            assertArrayEquals(new int[] {gemma ? 5 : 2}, end);
            assertTrue(tokenizer.isEndOfGeneration(end[0]));
            assertEquals(gemma, tokenizer.addsBos());
        }
    }
}
