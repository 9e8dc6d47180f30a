package io.baton.common.text;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.baton.common.model.GgufFile;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledIfSystemProperty;

/**
 * Runs the vocabulary files with inputs and expected ids of llama.cpp's source package, given by
 * {@code -Dbaton.vocab.dir=FOLDER} (see bench/oracle/vocab_files.md). Not run without it.
 */
@EnabledIfSystemProperty(named = "baton.vocab.dir", matches = ".+")
class VocabFilesTest {
    private static final String SEPARATOR = "\n__ggml_vocab_test__\n";

    /** Kinds of vocabulary that Baton does not claim: WordPiece. */
    private static final Set<String> NOT_CLAIMED = Set.of("bert-bge", "nomic-bert-moe");

    @Test
    void everyClaimedVocabularyGivesTheExpectedIds() throws IOException {
        List<String> wrong = new ArrayList<>();
        int texts = 0;
        int families = 0;
        for (Path file : files()) {
            String family = file.getFileName().toString().replaceAll("ggml-vocab-|\\.gguf$", "");
            if (NOT_CLAIMED.contains(family)) {
                continue;
            }
            families++;
            Tokenizer tokenizer;
            try (GgufFile gguf = GgufFile.open(file)) {
                tokenizer = Tokenizers.of(gguf);
            }
            String[] inputs = Files.readString(Path.of(file + ".inp")).split(SEPARATOR);
            List<String> expected = Files.readAllLines(Path.of(file + ".out"));
            assertEquals(expected.size(), inputs.length, family);
            for (int i = 0; i < inputs.length; i++) {
                int[] ids = tokenizer.encode(PromptText.untrusted(inputs[i]), false);
                int[] want =
                        Stream.of(expected.get(i).trim().split(" "))
                                .filter(id -> !id.isEmpty())
                                .mapToInt(Integer::parseInt)
                                .toArray();
                texts++;
                if (!Arrays.equals(ids, want)) {
                    wrong.add(
                            "%s text %d %s: %s instead of %s"
                                    .formatted(
                                            family,
                                            i,
                                            inputs[i],
                                            Arrays.toString(ids),
                                            Arrays.toString(want)));
                }
            }
        }
        System.err.printf("%d vocabularies, %d texts, %d differ%n", families, texts, wrong.size());
        assertTrue(families > 0, "no vocabulary files found");
        assertEquals(List.of(), wrong);
    }

    private static List<Path> files() throws IOException {
        try (Stream<Path> all = Files.list(Path.of(System.getProperty("baton.vocab.dir")))) {
            return all.filter(file -> file.toString().endsWith(".gguf"))
                    .filter(file -> Files.exists(Path.of(file + ".inp")))
                    .sorted()
                    .toList();
        }
    }
}
