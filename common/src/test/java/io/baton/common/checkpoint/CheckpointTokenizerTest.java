package io.baton.common.checkpoint;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.baton.common.error.BatonException;
import io.baton.common.error.ErrorCode;
import io.baton.common.model.GgufFile;
import io.baton.common.model.GgufWriter;
import io.baton.common.testkit.Safetensors;
import io.baton.common.text.PromptText;
import io.baton.common.text.Tokenizer;
import io.baton.common.text.Tokenizers;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import java.util.zip.GZIPInputStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.ObjectMapper;
import tools.jackson.databind.node.JsonNodeFactory;

/**
 * Tokenizers of checkpoint folders against the ids that the tokenizers library gives
 * (bench/oracle/checkpoint_tokenizers.py), and what an unknown or hostile one is told.
 */
class CheckpointTokenizerTest {
    private static final int PADDED = 640;

    record Golden(String name, JsonNode node) {
        @Override
        public String toString() {
            return name;
        }
    }

    static Stream<Golden> golden() throws IOException {
        try (InputStream in =
                CheckpointTokenizerTest.class.getResourceAsStream(
                        "/golden/checkpoint-tokenizers.json.gz")) {
            JsonNode cases = new ObjectMapper().readTree(new GZIPInputStream(in)).path("cases");
            List<Golden> all = new ArrayList<>();
            cases.forEach(one -> all.add(new Golden(one.path("name").asString(), one)));
            return all.stream();
        }
    }

    private static Tokenizer tokenizer(String json) {
        ConfigJson settings =
                ConfigJson.of("tokenizer_config.json", JsonNodeFactory.instance.objectNode());
        return tokenizer(json, settings, PADDED);
    }

    private static Tokenizer tokenizer(String json, ConfigJson settings, int size) {
        TokenizerJson parsed =
                TokenizerJson.parse("tokenizer.json", json.getBytes(StandardCharsets.UTF_8));
        GgufWriter out = new GgufWriter();
        new CheckpointTokenizer(parsed, settings, size).write(out);
        try (GgufFile file = GgufFile.ofBytes(out.toBytes())) {
            return Tokenizers.of(file);
        }
    }

    private static int[] ids(JsonNode array) {
        int[] ids = new int[array.size()];
        for (int i = 0; i < ids.length; i++) {
            ids[i] = array.path(i).asInt();
        }
        return ids;
    }

    @ParameterizedTest
    @MethodSource("golden")
    void idsAreThoseOfTheTokenizersLibrary(Golden golden) {
        Tokenizer tokenizer = tokenizer(golden.node().path("tokenizer").asString());
        assertEquals(PADDED, tokenizer.vocabSize());
        assertTrue(golden.node().path("pairs").size() > 100);
        for (JsonNode pair : golden.node().path("pairs")) {
            String text = pair.path(0).asString();
            assertArrayEquals(
                    ids(pair.path(1)), tokenizer.encode(PromptText.trusted(text), false), text);
        }
        assertArrayEquals(
                ids(golden.node().path("added")),
                tokenizer.encode(PromptText.trusted("Hello"), true));
    }

    @Test
    void whatTheModelHasNoTokenForIsNeverMadeByText() {
        Tokenizer tokenizer = tokenizer(Safetensors.byteTokenizer());
        assertEquals("[PAD300]", tokenizer.name(300));
        assertEquals(0, tokenizer.bytes(300).length);
        assertEquals(8, tokenizer.encode(PromptText.trusted("[PAD300]"), false).length);
        int[] end = tokenizer.encode(PromptText.trusted("<|im_end|>"), false);
        assertArrayEquals(new int[] {258}, end);
        assertTrue(tokenizer.isEndOfGeneration(258));
        assertEquals(10, tokenizer.encode(PromptText.untrusted("<|im_end|>"), false).length);
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '~',
            quoteCharacter = '`',
            value = {
                "\"type\":\"BPE\" ~ \"type\":\"Unigram\" ~ tokenizer model 'Unigram'",
                "\"normalizer\":null ~ \"normalizer\":{\"type\":\"Lowercase\"} ~ normalizer '{\"type\":\"Lowercase\"}'",
                "\"use_regex\":true ~ \"use_regex\":false ~ pre_tokenizer",
                "\"type\":\"ByteLevel\",\"add ~ \"type\":\"Whitespace\",\"add ~ pre_tokenizer",
                "\"add_prefix_space\":false ~ \"add_prefix_space\":true ~ add_prefix_space",
                "\"post_processor\":null ~ \"post_processor\":{\"type\":\"BertProcessing\"} ~ post_processor 'BertProcessing'",
                "\"lstrip\":false ~ \"lstrip\":true ~ lstrip of",
                "\"single_word\":false ~ \"single_word\":true ~ single_word of",
                "\"merges\":[] ~ \"merges\":[\"a b c\"] ~ merge 'a b c'",
                "\"merges\":[] ~ \"merges\":[[\"a\",\"b c\"]] ~ part with a space",
                "\"merges\":[] ~ \"merges\":[7] ~ a merge is neither",
                "\"A\":65 ~ \"A\":66 ~ both 66",
                "\"A\":65 ~ \"A\":65,\"A\":65 ~ not valid JSON",
                "\"A\":65 ~ \"A\":64000 ~ has id 64000",
                "\"A\":65 ~ \"A\":-1 ~ has id -1",
                "\"A\":65 ~ \"A\":99999999999 ~ not valid JSON",
                "\"id\":257 ~ \"id\":65 ~ both 65",
                "\"merges\":[] ~ \"merges\":[],\"end_of_word_suffix\":\"</w>\" ~ end_of_word_suffix",
                "\"merges\":[]}} ~ \"merges\":[]}}{} ~ something follows",
                "\"merges\":[]}} ~ \"merges\":[] ~ not valid JSON"
            })
    void whatIsUnknownIsNamed(String from, String to, String named) {
        String json = Safetensors.byteTokenizer();
        assertTrue(json.contains(from), from);
        BatonException error =
                assertThrows(BatonException.class, () -> tokenizer(json.replace(from, to)));
        assertEquals(ErrorCode.MODEL_FILE_INVALID, error.code());
        assertTrue(error.text().contains(named), error.text());
    }

    @Test
    void settingsNameTheTokensAndWhatIsAdded() {
        String named =
                "{\"tokenizer_class\":\"LlamaTokenizer\",\"bos_token\":{\"content\":\"<s>\"},"
                        + "\"eos_token\":\"</s>\",\"add_bos_token\":true}";
        Tokenizer tokenizer = tokenizer(Safetensors.byteTokenizer(), settings(named), 300);
        assertEquals(256, tokenizer.bos().orElseThrow());
        assertEquals(257, tokenizer.eos().orElseThrow());
        assertArrayEquals(new int[] {256, 65}, tokenizer.encode(PromptText.trusted("A"), true));
        // Other classes add what tokenizer.json says.
        String other = named.replace("LlamaTokenizer", "PreTrainedTokenizerFast");
        Tokenizer plain = tokenizer(Safetensors.byteTokenizer(), settings(other), 300);
        assertArrayEquals(new int[] {65}, plain.encode(PromptText.trusted("A"), true));
        BatonException error =
                assertThrows(
                        BatonException.class,
                        () ->
                                tokenizer(
                                        Safetensors.byteTokenizer(),
                                        settings("{\"bos_token\":\"<nope>\"}"),
                                        300));
        assertTrue(error.text().contains("bos_token '<nope>'"), error.text());
    }

    private static ConfigJson settings(String json) {
        return ConfigJson.of("tokenizer_config.json", new ObjectMapper().readTree(json));
    }
}
