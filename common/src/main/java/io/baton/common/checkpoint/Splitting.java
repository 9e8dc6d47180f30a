package io.baton.common.checkpoint;

import static io.baton.common.checkpoint.CheckpointJson.quote;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import tools.jackson.databind.JsonNode;

/**
 * What normalizer and pre_tokenizer of a tokenizer.json mean, in words that Baton's tokenizers
 * know. Anything else is refused by name: a tokenizer that is nearly right gives wrong answers
 * without a sign.
 *
 * @param characters whether symbols are characters with spaces as U+2581 (SentencePiece); else
 *     bytes in GPT-2's spelling
 * @param name of the pre-tokenizer, for bytes
 * @param prefix where a space is put before text, for characters
 * @param nfc whether text is brought to Unicode's normal form C first
 */
record Splitting(boolean characters, String name, String prefix, boolean nfc) {
    private static final String CONTRACTION = "(?i:'s|'t|'re|'ve|'m|'ll|'d)";
    private static final String WORD = "|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|";
    private static final String REST =
            "| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+";
    private static final String UPPER = "\\p{Lu}\\p{Lt}\\p{Lm}\\p{Lo}\\p{M}";
    private static final String LOWER = "\\p{Ll}\\p{Lm}\\p{Lo}\\p{M}";
    private static final String CASED_REST =
            "| ?[^\\s\\p{L}\\p{N}]+[\\r\\n/]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+";

    /** Patterns of published tokenizers, and the names under which Baton splits like them. */
    private static final Map<String, String> PATTERNS =
            Map.of(
                    "'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+|\\s+(?!\\S)|\\s+",
                    "gpt-2",
                    CONTRACTION + WORD + "\\p{N}{1,3}" + REST,
                    "llama-bpe",
                    CONTRACTION + WORD + "\\p{N}" + REST,
                    "qwen2",
                    cased("") + "|\\p{N}" + CASED_REST,
                    "tekken-cased",
                    cased(CONTRACTION + "?") + "|\\p{N}{1,3}" + CASED_REST,
                    "gpt-4o-cased");

    private static String cased(String end) {
        String before = "[^\\r\\n\\p{L}\\p{N}]?";
        return "%1$s[%2$s]*[%3$s]+%4$s|%1$s[%2$s]+[%3$s]*%4$s".formatted(before, UPPER, LOWER, end);
    }

    static Splitting of(TokenizerJson tokenizer) {
        return new Reader(tokenizer).read();
    }

    private record Reader(TokenizerJson tokenizer) {
        Splitting read() {
            List<JsonNode> normalizers = flat("normalizer", "normalizers");
            List<JsonNode> splitters = flat("pre_tokenizer", "pretokenizers");
            boolean bytes = !splitters.isEmpty() && type(splitters.getLast()).equals("ByteLevel");
            return bytes ? bytes(normalizers, splitters) : characters(normalizers, splitters);
        }

        private Splitting bytes(List<JsonNode> normalizers, List<JsonNode> splitters) {
            boolean nfc = false;
            for (JsonNode one : normalizers) {
                if (!type(one).equals("NFC")) {
                    throw unknown("normalizer", one);
                }
                nfc = true;
            }
            JsonNode last = splitters.getLast();
            if (last.path("add_prefix_space").asBoolean(true)) {
                throw tokenizer.invalid(
                        "pre_tokenizer ByteLevel has add_prefix_space, which Baton does not do");
            }
            boolean splits = last.path("use_regex").asBoolean(true);
            List<JsonNode> before = splitters.subList(0, splitters.size() - 1);
            String name = before.isEmpty() && splits ? "gpt-2" : "";
            if (before.size() == 1) {
                JsonNode one = before.getFirst();
                boolean digits =
                        type(one).equals("Digits") && one.path("individual_digits").asBoolean();
                name = digits && splits ? "smollm" : splits ? "" : pattern(one).orElse("");
            }
            if (name.isEmpty()) {
                throw unknown("pre_tokenizer", tokenizer.part("pre_tokenizer"));
            }
            return new Splitting(false, name, "never", nfc);
        }

        private static Optional<String> pattern(JsonNode split) {
            boolean isolated =
                    split.path("behavior").asString("").equals("Isolated")
                            && !split.path("invert").asBoolean(false)
                            && type(split).equals("Split");
            String regex = split.path("pattern").path("Regex").asString("");
            return isolated ? Optional.ofNullable(PATTERNS.get(regex)) : Optional.empty();
        }

        private Splitting characters(List<JsonNode> normalizers, List<JsonNode> splitters) {
            String prefix = "never";
            boolean spaces = false;
            for (JsonNode one : normalizers) {
                if (type(one).equals("Prepend") && text(one, "prepend").equals("\u2581")) {
                    prefix = "every";
                } else if (type(one).equals("Replace")
                        && one.path("pattern").path("String").asString("").equals(" ")
                        && text(one, "content").equals("\u2581")) {
                    spaces = true;
                } else {
                    throw unknown("normalizer", one);
                }
            }
            for (JsonNode one : splitters) {
                if (type(one).equals("Metaspace")
                        && text(one, "replacement").equals("\u2581")
                        && !one.path("split").asBoolean(true)
                        && !spaces) {
                    prefix = scheme(one);
                    spaces = true;
                } else if (!spaces
                        || !type(one).equals("Split")
                        || !one.path("pattern").path("String").asString("").equals(" ")) {
                    // A split at spaces does nothing where none are left.
                    throw unknown("pre_tokenizer", one);
                }
            }
            if (!spaces) {
                throw tokenizer.invalid(
                        "it neither works on bytes (ByteLevel) nor makes spaces U+2581; Baton knows"
                                + " no other way");
            }
            return new Splitting(true, "", prefix, false);
        }

        private String scheme(JsonNode metaspace) {
            String scheme = text(metaspace, "prepend_scheme");
            return switch (scheme) {
                case "never", "first" -> scheme;
                case "always" -> "unless-there";
                default -> throw unknown("pre_tokenizer", metaspace);
            };
        }

        /** The members of a sequence, or the one. */
        private List<JsonNode> flat(String name, String members) {
            JsonNode part = tokenizer.part(name);
            List<JsonNode> list = new ArrayList<>();
            if (type(part).equals("Sequence")) {
                part.path(members).forEach(list::add);
            } else if (!part.isNull()) {
                list.add(part);
            }
            return list;
        }

        private static String type(JsonNode node) {
            return text(node, "type");
        }

        private static String text(JsonNode node, String name) {
            return node.path(name).asString("");
        }

        private io.baton.common.error.BatonException unknown(String what, JsonNode node) {
            String text = node.toString();
            return tokenizer.invalid(
                    "%s %s is not one that Baton knows"
                            .formatted(what, quote(text.length() > 80 ? shortened(node) : text)));
        }

        /** The pattern tells unlike splits apart, where there is one. */
        private static String shortened(JsonNode node) {
            String regex = node.path("pattern").path("Regex").asString("");
            return type(node) + " " + (regex.isEmpty() ? node.toString() : regex);
        }
    }
}
