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
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/**
 * Runs the vocabulary files with inputs and expected ids of llama.cpp's source package, given by
 * {@code -Dbaton.vocab.dir=FOLDER} (see bench/oracle/vocab_files.md). Not run without it.
 */
@EnabledIfSystemProperty(named = "baton.vocab.dir", matches = ".+")
class VocabFilesTest {
    private static final JsonMapper JSON = new JsonMapper();
    private static final String SEPARATOR = "\n__ggml_vocab_test__\n";

    /** Kinds of vocabulary that Baton does not claim: WordPiece. */
    private static final Set<String> NOT_CLAIMED = Set.of("bert-bge", "nomic-bert-moe");

    private record Case(String text, int[] ids) {}

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
            Tokenizer tokenizer;
            try (GgufFile gguf = GgufFile.open(file)) {
                tokenizer = Tokenizers.of(gguf);
            }
            List<Case> cases = cases(file);
            families++;
            texts += cases.size();
            int before = wrong.size();
            for (Case test : cases) {
                int[] ids = tokenizer.encode(PromptText.untrusted(test.text()), false);
                if (!Arrays.equals(ids, test.ids())) {
                    wrong.add(
                            "%s: %s: %s instead of %s"
                                    .formatted(
                                            family,
                                            JSON.writeValueAsString(test.text()),
                                            Arrays.toString(ids),
                                            Arrays.toString(test.ids())));
                }
            }
            if (wrong.size() > before) {
                System.err.printf(
                        "%s: %d of %d differ; %s%n",
                        family, wrong.size() - before, cases.size(), wrong.get(before));
            }
        }
        System.err.printf("%d vocabularies, %d texts, %d differ%n", families, texts, wrong.size());
        assertTrue(families > 0, "no vocabulary files found");
        assertEquals(List.of(), wrong);
    }

    private static List<Case> cases(Path file) throws IOException {
        List<Case> cases = new ArrayList<>();
        Path json = Path.of(file + ".jsonl");
        if (Files.exists(json)) {
            for (String line : Files.readAllLines(json)) {
                JsonNode node = JSON.readTree(line);
                cases.add(
                        new Case(
                                node.get(0).asString(),
                                node.get(1).valueStream().mapToInt(JsonNode::asInt).toArray()));
            }
            return cases;
        }
        String[] inputs = Files.readString(Path.of(file + ".inp")).split(SEPARATOR);
        List<String> expected = Files.readAllLines(Path.of(file + ".out"));
        assertEquals(expected.size(), inputs.length, file.toString());
        for (int i = 0; i < inputs.length; i++) {
            cases.add(
                    new Case(
                            inputs[i],
                            Stream.of(expected.get(i).trim().split(" "))
                                    .filter(id -> !id.isEmpty())
                                    .mapToInt(Integer::parseInt)
                                    .toArray()));
        }
        return cases;
    }

    private static List<Path> files() throws IOException {
        try (Stream<Path> all = Files.list(Path.of(System.getProperty("baton.vocab.dir")))) {
            return all.filter(file -> file.toString().endsWith(".gguf"))
                    .filter(
                            file ->
                                    Files.exists(Path.of(file + ".inp"))
                                            || Files.exists(Path.of(file + ".jsonl")))
                    .sorted()
                    .toList();
        }
    }
}
