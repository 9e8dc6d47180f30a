package io.baton.common.model;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.baton.common.text.PromptText;
import io.baton.common.text.Tokenizer;
import io.baton.common.text.Tokenizers;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * Random models of a shape: files that parse, the same bytes for a seed, a tokenizer that works.
 */
class RandomModelTest {
    private static final RandomModel.Shape SMALL =
            new RandomModel.Shape("small", 2, 256, 4, 2, 64, 512, 1200, 128);

    @TempDir private Path folder;

    @ParameterizedTest
    @EnumSource(TensorType.class)
    void aFileOfEveryTypeParsesAndDependsOnTheSeedAlone(TensorType type) throws IOException {
        byte[] bytes = write(type, 5);
        assertArrayEquals(bytes, write(type, 5));
        assertFalse(Arrays.equals(bytes, write(type, 6)));
        try (GgufFile file = GgufFile.ofBytes(bytes)) {
            GgufTensor down = file.require("blk.1.ffn_down.weight");
            assertEquals(type, down.type());
            assertArrayEquals(new long[] {512, 256}, down.dims());
            assertTrue(file.tensor("output.weight").isEmpty());
            assertTrue(file.tensor("blk.2.attn_q.weight").isEmpty());
        }
    }

    private byte[] write(TensorType type, long seed) throws IOException {
        Path path = folder.resolve(type + "-" + seed + ".gguf");
        new RandomModel(SMALL, type, seed).write(path);
        return Files.readAllBytes(path);
    }

    @Test
    void theTokenizerGivesTextBack() {
        Path path = folder.resolve("words.gguf");
        new RandomModel(SMALL, TensorType.Q8_0, 1).write(path);
        try (GgufFile file = GgufFile.open(path)) {
            Tokenizer tokenizer = Tokenizers.of(file);
            assertEquals(1200, tokenizer.vocabSize());
            String text = "The first runner reads the whole question at once: 17 ways, naïvely.";
            ByteArrayOutputStream back = new ByteArrayOutputStream();
            for (int token : tokenizer.encode(PromptText.untrusted(text), false)) {
                back.writeBytes(tokenizer.bytes(token));
            }
            assertEquals(text, back.toString(StandardCharsets.UTF_8));
        }
    }

    @Test
    void aWideVocabularyHasNoTokenTwice() {
        int size = RandomModel.Shape.LLAMA_1B.vocab();
        List<String> tokens = TinyVocabulary.wide(size).tokens();
        assertEquals(size, tokens.size());
        assertEquals(size, new HashSet<>(tokens).size());
    }

    @Test
    void rowsThatDoNotDivideIntoBlocksAreRefused() {
        assertTrue(RandomModel.Shape.LLAMA_1B.fits(TensorType.Q6_K));
        assertFalse(RandomModel.Shape.LLAMA_135M.fits(TensorType.Q4_K));
        assertThrows(
                IllegalArgumentException.class,
                () -> new RandomModel(RandomModel.Shape.LLAMA_135M, TensorType.Q4_K, 1));
    }
}
