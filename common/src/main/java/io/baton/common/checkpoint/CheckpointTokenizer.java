package io.baton.common.checkpoint;

import static io.baton.common.checkpoint.CheckpointJson.quote;

import io.baton.common.model.GgufWriter;
import io.baton.common.text.TokenizerKeys;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import tools.jackson.databind.JsonNode;

/** Turns tokenizer.json and tokenizer_config.json into the tokenizer keys of a model file. */
final class CheckpointTokenizer {
    private static final int NORMAL = 1;
    private static final int UNKNOWN = 2;
    private static final int CONTROL = 3;
    private static final int USER_DEFINED = 4;
    private static final int UNUSED = 5;
    private static final int BYTE = 6;

    private final TokenizerJson tokenizer;
    private final ConfigJson settings;
    private final Splitting splitting;
    private final String[] tokens;
    private final int[] kinds;
    private final Map<String, Integer> ids = new HashMap<>();
    private final BitSet stripsRight = new BitSet();

    /**
     * @param settings tokenizer_config.json
     * @param size of the model's vocabulary; ids without a token get unused ones
     */
    CheckpointTokenizer(TokenizerJson tokenizer, ConfigJson settings, int size) {
        this.tokenizer = tokenizer;
        this.settings = settings;
        refuseOtherModels();
        this.splitting = Splitting.of(tokenizer);
        this.tokens = new String[size];
        this.kinds = new int[size];
        tokenizer.vocab().forEach((token, id) -> place(token, id, NORMAL));
        for (JsonNode added : tokenizer.part("added_tokens")) {
            add(added);
        }
        tokenizer.model().string("unk_token").ifPresent(this::unknown);
        if (splitting.characters()) {
            bytes();
        }
        for (int id = 0; id < size; id++) {
            if (kinds[id] == 0) {
                tokens[id] = "[PAD" + id + "]";
                kinds[id] = UNUSED;
            }
        }
    }

    private void refuseOtherModels() {
        ConfigJson model = tokenizer.model();
        String type = model.string("type").orElse("BPE");
        if (!type.equals("BPE")) {
            throw tokenizer.invalid(
                    "tokenizer model %s is not one that Baton knows: BPE".formatted(quote(type)));
        }
        model.refuse(model.number("dropout").orElse(0.0) != 0, "dropout", "it");
        for (String name : List.of("continuing_subword_prefix", "end_of_word_suffix")) {
            model.refuse(!model.string(name).orElse("").isEmpty(), name, "it");
        }
    }

    private void place(String token, int id, int kind) {
        if (id < 0 || id >= tokens.length) {
            throw tokenizer.invalid(
                    "token %s has id %d, the model's vocabulary has %d"
                            .formatted(quote(token), id, tokens.length));
        }
        if (kinds[id] != 0 && !tokens[id].equals(token)) {
            throw tokenizer.invalid(
                    "tokens %s and %s are both %d".formatted(quote(tokens[id]), quote(token), id));
        }
        Integer other = ids.put(token, id);
        if (other != null && other != id) {
            throw tokenizer.invalid(
                    "token %s is both %d and %d".formatted(quote(token), other, id));
        }
        tokens[id] = token;
        kinds[id] = kind;
    }

    private void add(JsonNode node) {
        ConfigJson added = new ConfigJson(tokenizer.source(), "added_tokens.", node);
        String content = added.string("content").orElseThrow(() -> added.missing("content"));
        if (content.isEmpty()) {
            throw added.invalid("an added token is empty");
        }
        added.refuse(added.flag("lstrip", false), "lstrip of " + quote(content), "it");
        added.refuse(added.flag("single_word", false), "single_word of " + quote(content), "it");
        int id = added.required("id");
        place(content, id, added.flag("special", false) ? CONTROL : USER_DEFINED);
        stripsRight.set(id, added.flag("rstrip", false));
    }

    private void unknown(String token) {
        Integer id = ids.get(token);
        if (id == null) {
            throw tokenizer.invalid("unk_token %s is no token".formatted(quote(token)));
        }
        kinds[id] = UNKNOWN;
    }

    private void bytes() {
        ConfigJson model = tokenizer.model();
        if (!model.flag("byte_fallback", false)) {
            throw tokenizer.invalid("it works on characters without byte_fallback");
        }
        for (int b = 0; b < 256; b++) {
            String name = String.format(Locale.ROOT, "<0x%02X>", b);
            Integer id = ids.get(name);
            if (id == null) {
                throw tokenizer.invalid("byte token %s is missing".formatted(name));
            }
            kinds[id] = BYTE;
        }
    }

    void write(GgufWriter out) {
        out.string(TokenizerKeys.MODEL, splitting.characters() ? TokenizerKeys.CHARACTERS : "gpt2")
                .string(TokenizerKeys.PRE, splitting.name())
                .strings(TokenizerKeys.TOKENS, List.of(tokens))
                .ints(TokenizerKeys.TYPES, kinds)
                .strings(TokenizerKeys.MERGES, tokenizer.merges())
                .bool(TokenizerKeys.IGNORE_MERGES, tokenizer.model().flag("ignore_merges", false))
                .string(TokenizerKeys.SPACE_PREFIX, splitting.prefix())
                .string(TokenizerKeys.NORMALIZER, splitting.nfc() ? "nfc" : "none")
                .ints(TokenizerKeys.STRIPS_RIGHT, stripsRight.stream().toArray());
        Marks marks = marks();
        marks.bos().ifPresent(id -> out.uint32(TokenizerKeys.BOS, id));
        marks.eos().ifPresent(id -> out.uint32(TokenizerKeys.EOS, id));
        out.bool(TokenizerKeys.ADD_BOS, marks.addsBos())
                .bool(TokenizerKeys.ADD_EOS, marks.addsEos());
    }

    private record Marks(
            Optional<Integer> bos, Optional<Integer> eos, boolean addsBos, boolean addsEos) {}

    private Marks marks() {
        Template template = template();
        Optional<Integer> bos = named("bos_token").or(template::before);
        Optional<Integer> eos = named("eos_token").or(template::after);
        mustBe("bos_token", bos, template.before());
        mustBe("eos_token", eos, template.after());
        // These classes build their own template, whatever tokenizer.json says.
        String type = settings.string("tokenizer_class").orElse("");
        boolean own = type.startsWith("Llama") || type.startsWith("Gemma");
        boolean addsBos = template.before().isPresent();
        boolean addsEos = template.after().isPresent();
        return new Marks(
                bos,
                eos,
                bos.isPresent() && (own ? settings.flag("add_bos_token", addsBos) : addsBos),
                eos.isPresent() && (own ? settings.flag("add_eos_token", addsEos) : addsEos));
    }

    private void mustBe(String name, Optional<Integer> stated, Optional<Integer> added) {
        if (added.isPresent() && !added.equals(stated)) {
            throw tokenizer.invalid(
                    "post_processor adds %s, which is not the %s"
                            .formatted(quote(tokens[added.get()]), name));
        }
    }

    /** A token that the settings name, as a string or as an object with its content. */
    private Optional<Integer> named(String name) {
        if (!settings.has(name)) {
            return Optional.empty();
        }
        JsonNode node = settings.node().path(name);
        String token = (node.isObject() ? node.path("content") : node).asString("");
        Integer id = ids.get(token);
        if (id == null) {
            throw settings.invalid("%s %s is no token".formatted(name, quote(token)));
        }
        return Optional.of(id);
    }

    /** What is put around a text. */
    private record Template(Optional<Integer> before, Optional<Integer> after) {}

    private Template template() {
        JsonNode part = tokenizer.part("post_processor");
        List<JsonNode> processors = new ArrayList<>();
        if (part.path("type").asString("").equals("Sequence")) {
            part.path("processors").forEach(processors::add);
        } else if (!part.isNull()) {
            processors.add(part);
        }
        Template template = new Template(Optional.empty(), Optional.empty());
        for (JsonNode processor : processors) {
            switch (processor.path("type").asString("")) {
                // It trims offsets only.
                case "ByteLevel" -> {}
                case "TemplateProcessing" -> template = template(processor.path("single"));
                default ->
                        throw tokenizer.invalid(
                                "post_processor %s is not one that Baton knows"
                                        .formatted(quote(processor.path("type").asString(""))));
            }
        }
        return template;
    }

    private Template template(JsonNode single) {
        List<Integer> before = new ArrayList<>();
        List<Integer> after = new ArrayList<>();
        boolean text = false;
        for (JsonNode piece : single) {
            if (piece.has("Sequence")) {
                text = true;
                continue;
            }
            Integer id = ids.get(piece.path("SpecialToken").path("id").asString(""));
            if (id == null) {
                throw tokenizer.invalid("post_processor adds what is no token");
            }
            (text ? after : before).add(id);
        }
        if (!text || before.size() > 1 || after.size() > 1) {
            throw tokenizer.invalid("post_processor adds more than one token on a side");
        }
        return new Template(before.stream().findFirst(), after.stream().findFirst());
    }
}
