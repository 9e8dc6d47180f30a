package io.baton.common.text;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import io.baton.common.model.GgufFile;
import io.baton.common.model.ModelStore;
import java.io.BufferedReader;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.BitSet;
import java.util.HexFormat;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.stream.Stream;
import java.util.zip.GZIPInputStream;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/**
 * Compares the tokenizers of the real models with golden files that
 * bench/oracle/tokenizer_golden.py made with llama.cpp. The models are looked for in the folder
 * {@code baton.models.dir} (system property), {@code BATON_MODELS_DIR} (environment) or the user's
 * cache; without them the test is skipped and says so.
 */
class RealTokenizerTest {
    private static final JsonMapper JSON = new JsonMapper();

    enum Model {
        SMOLLM2("tokenizer-smollm2.jsonl.gz", "gpt2", "smollm"),
        GEMMA3("tokenizer-gemma3.jsonl.gz", "llama", "default");

        final String golden;
        final String tokenizerModel;
        final String pre;

        Model(String golden, String tokenizerModel, String pre) {
            this.golden = golden;
            this.tokenizerModel = tokenizerModel;
            this.pre = pre;
        }
    }

    @ParameterizedTest
    @EnumSource(Model.class)
    void idsAndPiecesAreThoseOfLlamaCpp(Model model) throws Exception {
        List<JsonNode> golden = golden(model);
        int vocabSize = golden.getFirst().get("vocab").asInt();
        Tokenizer tokenizer = load(model, vocabSize);
        assertEquals(vocabSize, tokenizer.vocabSize());
        assertEquals(golden.getFirst().get("pieces").asString(), pieces(tokenizer));

        List<String> wrong = new ArrayList<>();
        int texts = 0;
        for (JsonNode line : golden.subList(1, golden.size())) {
            String text = line.get(0).asString();
            int[] plain = ids(line.get(1));
            int[] parsed = line.get(2).isNull() ? plain : ids(line.get(2));
            compare(text, plain, tokenizer.encode(PromptText.untrusted(text), false), wrong);
            compare(text, parsed, tokenizer.encode(PromptText.trusted(text), false), wrong);
            texts++;
        }
        System.err.printf("%s: %d texts, plain and parsed%n", model, texts);
        assertEquals(
                List.of(), wrong.subList(0, Math.min(5, wrong.size())), wrong.size() + " differ");
    }

    /**
     * What text becomes must come back as the same text, less the bytes that the vocabulary lacks
     * (SmolLM2's has no token for 21 of the 256, all rare or never in UTF-8), and hold no control
     * token.
     */
    @ParameterizedTest
    @EnumSource(Model.class)
    void everyGoldenTextSurvivesTheWayThereAndBack(Model model) throws Exception {
        List<JsonNode> golden = golden(model);
        Tokenizer tokenizer = load(model, golden.getFirst().get("vocab").asInt());
        BitSet known = new BitSet(256);
        for (int token = 0; token < tokenizer.vocabSize(); token++) {
            byte[] bytes = tokenizer.bytes(token);
            if (bytes.length == 1) {
                known.set(bytes[0] & 0xFF);
            }
        }
        assertEquals(model == Model.GEMMA3 ? 256 : 235, known.cardinality());
        for (JsonNode line : golden.subList(1, golden.size())) {
            String text = line.get(0).asString();
            int[] ids = tokenizer.encode(PromptText.untrusted(text), false);
            // SentencePiece has one character for the space and for U+2581.
            assertEquals(
                    less(known, text).replace('\u2581', ' '),
                    TokenDecoder.decode(tokenizer, ids, false).replace('\u2581', ' '));
            assertArrayEquals(
                    new int[0], Arrays.stream(ids).filter(tokenizer::isControl).toArray(), text);
        }
    }

    private static String less(BitSet known, String text) {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        for (byte b : text.getBytes(StandardCharsets.UTF_8)) {
            if (known.get(b & 0xFF)) {
                bytes.write(b);
            }
        }
        return bytes.toString(StandardCharsets.UTF_8);
    }

    private static void compare(String text, int[] want, int[] got, List<String> wrong) {
        if (!Arrays.equals(want, got)) {
            wrong.add(
                    JSON.writeValueAsString(text)
                            + ": "
                            + Arrays.toString(got)
                            + " instead of "
                            + Arrays.toString(want));
        }
    }

    private static int[] ids(JsonNode array) {
        int[] ids = new int[array.size()];
        for (int i = 0; i < ids.length; i++) {
            ids[i] = array.get(i).asInt();
        }
        return ids;
    }

    private static String pieces(Tokenizer tokenizer) throws NoSuchAlgorithmException {
        MessageDigest digest = MessageDigest.getInstance("SHA-256");
        for (int token = 0; token < tokenizer.vocabSize(); token++) {
            byte[] piece = tokenizer.bytes(token);
            digest.update(ByteBuffer.allocate(4).putInt(piece.length).array());
            digest.update(piece);
        }
        return HexFormat.of().formatHex(digest.digest());
    }

    private static List<JsonNode> golden(Model model) throws IOException {
        List<JsonNode> lines = new ArrayList<>();
        try (InputStream packed =
                        Objects.requireNonNull(
                                RealTokenizerTest.class.getResourceAsStream(
                                        "/golden/" + model.golden));
                BufferedReader reader =
                        new BufferedReader(
                                new InputStreamReader(
                                        new GZIPInputStream(packed), StandardCharsets.UTF_8))) {
            String line = reader.readLine();
            while (line != null) {
                lines.add(JSON.readTree(line));
                line = reader.readLine();
            }
        }
        return lines;
    }

    static Tokenizer load(Model model, int vocabSize) throws IOException {
        for (Path file : modelFiles()) {
            try (GgufFile gguf = GgufFile.open(file)) {
                if (gguf.string("tokenizer.ggml.model").equals(Optional.of(model.tokenizerModel))
                        && gguf.string("tokenizer.ggml.pre").orElse("default").equals(model.pre)
                        && gguf.strings("tokenizer.ggml.tokens")
                                .map(List::size)
                                .equals(Optional.of(vocabSize))) {
                    return Tokenizers.of(gguf);
                }
            }
        }
        String message =
                "SKIPPED: %s is not under %s; pull it or set BATON_MODELS_DIR"
                        .formatted(model, modelsDir());
        System.err.println(message);
        return Assumptions.abort(message);
    }

    private static Path modelsDir() {
        String folder = System.getProperty("baton.models.dir", System.getenv("BATON_MODELS_DIR"));
        return folder == null
                ? ModelStore.ofUser(System.getenv(), Path.of(System.getProperty("user.home")))
                        .folder()
                        .resolve("models")
                : Path.of(folder);
    }

    private static List<Path> modelFiles() throws IOException {
        if (!Files.isDirectory(modelsDir())) {
            return List.of();
        }
        try (Stream<Path> files = Files.walk(modelsDir(), 4)) {
            return files.filter(file -> file.toString().endsWith(".gguf")).sorted().toList();
        }
    }
}
