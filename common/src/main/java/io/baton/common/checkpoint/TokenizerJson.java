package io.baton.common.checkpoint;

import static io.baton.common.checkpoint.CheckpointJson.quote;

import io.baton.common.error.BatonException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import tools.jackson.core.JacksonException;
import tools.jackson.core.JsonParser;
import tools.jackson.core.JsonToken;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.JsonNodeFactory;

/**
 * tokenizer.json as it stands: the vocabulary and the merges read as a stream, since a tree of them
 * would take hundreds of megabytes, the small rest as trees.
 *
 * @param vocab ids by spelling
 * @param merges "left right", best first
 * @param model the model's other fields
 * @param parts normalizer, pre_tokenizer, post_processor, decoder and the like, by name
 */
record TokenizerJson(
        String source,
        Map<String, Integer> vocab,
        List<String> merges,
        ConfigJson model,
        Map<String, JsonNode> parts) {
    /** The largest vocabularies have 2^18 tokens and twice as many merges. */
    private static final int MAX_ENTRIES = 1 << 22;

    static TokenizerJson parse(String source, byte[] bytes) {
        return new Reader(source).read(bytes);
    }

    /** A part, or a JSON null. */
    JsonNode part(String name) {
        return parts.getOrDefault(name, JsonNodeFactory.instance.nullNode());
    }

    BatonException invalid(String what) {
        return CheckpointJson.invalid(source, what);
    }

    private static final class Reader {
        private final String source;
        private final Map<String, Integer> vocab = new HashMap<>();
        private final List<String> merges = new ArrayList<>();
        private final Map<String, JsonNode> model = new HashMap<>();
        private final Map<String, JsonNode> parts = new HashMap<>();

        Reader(String source) {
            this.source = source;
        }

        TokenizerJson read(byte[] bytes) {
            try (JsonParser in = CheckpointJson.parser(source, bytes)) {
                expect(in.nextToken() == JsonToken.START_OBJECT, "it is not one JSON object");
                while (in.nextToken() == JsonToken.PROPERTY_NAME) {
                    String name = in.currentName();
                    in.nextToken();
                    if (name.equals("model") && in.currentToken() == JsonToken.START_OBJECT) {
                        model(in);
                    } else {
                        parts.put(name, CheckpointJson.value(in));
                    }
                }
                expect(in.nextToken() == null, "something follows the JSON object");
            } catch (JacksonException e) {
                throw CheckpointJson.notJson(source, e);
            }
            var rest = JsonNodeFactory.instance.objectNode();
            model.forEach(rest::set);
            return new TokenizerJson(
                    source, vocab, merges, new ConfigJson(source, "model.", rest), parts);
        }

        private void model(JsonParser in) {
            while (in.nextToken() == JsonToken.PROPERTY_NAME) {
                String name = in.currentName();
                JsonToken value = in.nextToken();
                if (name.equals("vocab") && value == JsonToken.START_OBJECT) {
                    vocab(in);
                } else if (name.equals("merges") && value == JsonToken.START_ARRAY) {
                    merges(in);
                } else {
                    model.put(name, CheckpointJson.value(in));
                }
            }
        }

        private void vocab(JsonParser in) {
            while (in.nextToken() == JsonToken.PROPERTY_NAME) {
                String token = in.currentName();
                expect(
                        in.nextToken() == JsonToken.VALUE_NUMBER_INT,
                        "token " + quote(token) + " has no number");
                expect(vocab.size() < MAX_ENTRIES, "it has more than 2^22 tokens");
                vocab.put(token, in.getIntValue());
            }
        }

        /** Strings of two parts, or lists of two strings. */
        private void merges(JsonParser in) {
            for (JsonToken at = in.nextToken(); at != JsonToken.END_ARRAY; at = in.nextToken()) {
                expect(merges.size() < MAX_ENTRIES, "it has more than 2^22 merges");
                if (at == JsonToken.VALUE_STRING) {
                    String merge = in.getString();
                    int space = merge.indexOf(' ');
                    expect(
                            space > 0 && space == merge.lastIndexOf(' '),
                            "merge " + quote(merge) + " has no two parts");
                    merges.add(merge);
                } else {
                    expect(at == JsonToken.START_ARRAY, "a merge is neither text nor a list");
                    String left = half(in);
                    String right = half(in);
                    expect(in.nextToken() == JsonToken.END_ARRAY, "a merge has no two parts");
                    merges.add(left + " " + right);
                }
            }
        }

        private String half(JsonParser in) {
            expect(in.nextToken() == JsonToken.VALUE_STRING, "a merge has no two parts");
            String half = in.getString();
            expect(
                    !half.isEmpty() && half.indexOf(' ') < 0,
                    "a merge has a part with a space: " + quote(half));
            return half;
        }

        private void expect(boolean holds, String fault) {
            if (!holds) {
                throw CheckpointJson.invalid(source, fault);
            }
        }
    }
}
