package io.baton.common.checkpoint;

import static io.baton.common.checkpoint.CheckpointJson.quote;

import io.baton.common.error.BatonException;
import io.baton.common.error.ErrorCode;
import io.baton.common.model.GgufFile;
import io.baton.common.model.GgufTensor;
import io.baton.common.model.GgufWriter;
import io.baton.common.model.ModelFile;
import io.baton.common.model.SamplingKeys;
import io.baton.common.model.Sha256;
import io.baton.common.text.TokenizerKeys;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.OptionalLong;
import java.util.TreeMap;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.JsonNodeFactory;

/**
 * A checkpoint folder as a model file. Its configuration and vocabulary are brought into the form
 * of a GGUF file without tensors, its safetensors files are mapped.
 *
 * <pre>
 * config.json                                   shape and family
 * model.safetensors                             weights, or
 * model.safetensors.index.json + shards         the same in parts
 * tokenizer.json, tokenizer_config.json         vocabulary and special tokens
 * chat_template.jinja                           wins over the one in tokenizer_config.json
 * generation_config.json                        tokens that end an answer, recommended sampling
 * </pre>
 *
 * Safe for any thread.
 */
public final class CheckpointFolder implements ModelFile {
    /** Gemma's tokenizer.json has 35 MB. */
    private static final int MAX_TOKENIZER_BYTES = 128 << 20;

    private static final int MAX_JSON_BYTES = 16 << 20;
    private static final int MAX_TEMPLATE_BYTES = 1 << 20;

    private final Path folder;
    private final Arena arena;
    private final GgufFile keys;
    private final CheckpointWeights weights;
    private final Files files;

    /** The small files, and the digest of each that was there. */
    private static final class Files {
        private final Path folder;
        private final Map<String, String> digests = new TreeMap<>();

        Files(Path folder) {
            this.folder = folder;
        }

        Optional<byte[]> find(String name, int maxBytes) {
            Optional<byte[]> bytes = CheckpointJson.find(folder.resolve(name), maxBytes);
            bytes.ifPresent(found -> digests.put(name, Sha256.hex(MemorySegment.ofArray(found))));
            return bytes;
        }

        ConfigJson object(String name) {
            String source = folder.resolve(name).toString();
            return find(name, MAX_JSON_BYTES)
                    .map(bytes -> ConfigJson.of(source, CheckpointJson.object(source, bytes)))
                    .orElseGet(() -> ConfigJson.of(source, JsonNodeFactory.instance.objectNode()));
        }
    }

    private CheckpointFolder(Path folder, Arena arena) throws IOException {
        this.folder = folder;
        this.arena = arena;
        this.files = new Files(folder);
        ConfigJson json = files.object("config.json");
        if (!files.digests.containsKey("config.json")) {
            throw CheckpointJson.invalid(folder.toString(), "it holds no config.json");
        }
        CheckpointConfig config = new CheckpointConfig(json);
        this.weights = new CheckpointWeights(folder, arena, config);
        GgufWriter out = new GgufWriter();
        config.write(out, String.valueOf(folder.toAbsolutePath().normalize().getFileName()));
        text(config, json, out);
        this.keys = GgufFile.ofBytes(out.toBytes());
    }

    private void text(CheckpointConfig config, ConfigJson json, GgufWriter out) {
        String source = folder.resolve("tokenizer.json").toString();
        byte[] bytes =
                files.find("tokenizer.json", MAX_TOKENIZER_BYTES)
                        .orElseThrow(
                                () ->
                                        CheckpointJson.invalid(
                                                folder.toString(),
                                                "it holds no tokenizer.json; save the tokenizer"
                                                        + " with transformers to make one"));
        ConfigJson settings = files.object("tokenizer_config.json");
        TokenizerJson tokenizer = TokenizerJson.parse(source, bytes);
        new CheckpointTokenizer(tokenizer, settings, config.vocab()).write(out);
        ConfigJson generation = files.object("generation_config.json");
        ConfigJson ends = generation.has("eos_token_id") ? generation : json;
        out.ints(TokenizerKeys.ENDS, ends(ends, config.vocab()));
        sampling(generation, out);
        chatTemplate(settings).ifPresent(text -> out.string("tokenizer.chat_template", text));
    }

    /** As llama.cpp's keys; {@code do_sample} is passed over as by vLLM. */
    private static void sampling(ConfigJson generation, GgufWriter out) {
        float32(generation, "temperature", SamplingKeys.TEMPERATURE, out);
        float32(generation, "top_p", SamplingKeys.TOP_P, out);
        float32(generation, "min_p", SamplingKeys.MIN_P, out);
        float32(generation, "repetition_penalty", SamplingKeys.REPETITION_PENALTY, out);
        // transformers takes a negative count for an error, vLLM takes -1 for all.
        if (generation.node().path("top_k").asInt(0) != -1) {
            generation.integer("top_k").ifPresent(k -> out.uint32(SamplingKeys.TOP_K, k));
        }
    }

    private static void float32(ConfigJson generation, String name, String key, GgufWriter out) {
        generation.number(name).ifPresent(value -> out.float32(key, value.floatValue()));
    }

    /** One id or a list of them. */
    private static int[] ends(ConfigJson json, int vocab) {
        JsonNode given = json.node().path("eos_token_id");
        List<Integer> ids = new ArrayList<>();
        for (JsonNode id : given.isArray() ? given : List.of(given)) {
            if (id.isMissingNode() || id.isNull()) {
                continue;
            }
            if (!id.isInt() || id.asInt() < 0 || id.asInt() >= vocab) {
                throw json.invalid("'eos_token_id' is no id of a vocabulary of " + vocab);
            }
            ids.add(id.asInt());
        }
        return ids.stream().mapToInt(Integer::intValue).toArray();
    }

    private Optional<String> chatTemplate(ConfigJson settings) {
        Optional<byte[]> own = files.find("chat_template.jinja", MAX_TEMPLATE_BYTES);
        if (own.isPresent()) {
            return Optional.of(new String(own.get(), StandardCharsets.UTF_8));
        }
        JsonNode given = settings.node().path("chat_template");
        if (given.isArray()) {
            for (JsonNode named : given) {
                if (named.path("name").asString("").equals("default")) {
                    return Optional.of(named.path("template").asString(""));
                }
            }
            return Optional.empty();
        }
        return settings.string("chat_template");
    }

    /**
     * Reads a folder and maps its weights.
     *
     * @throws BatonException MODEL_FILE_INVALID naming the file and what is wrong with it
     */
    public static CheckpointFolder open(Path folder) {
        Arena arena = Arena.ofShared();
        try {
            return new CheckpointFolder(folder, arena);
        } catch (IOException e) {
            arena.close();
            throw new BatonException(
                    ErrorCode.MODEL_FILE_INVALID,
                    "%s cannot be read: %s. Check that it is there and readable."
                            .formatted(folder, e),
                    null,
                    e);
        } catch (RuntimeException e) {
            arena.close();
            throw e;
        }
    }

    @Override
    public String source() {
        return folder.toString();
    }

    @Override
    public String architecture() {
        return keys.architecture();
    }

    @Override
    public List<GgufTensor> tensors() {
        return weights.tensors();
    }

    @Override
    public Optional<GgufTensor> tensor(String name) {
        return weights.find(name);
    }

    @Override
    public GgufTensor require(String name) {
        return weights.find(name)
                .orElseThrow(
                        () ->
                                CheckpointJson.invalid(
                                        source(),
                                        "tensor %s is missing"
                                                .formatted(quote(weights.checkpointName(name)))));
    }

    @Override
    public Optional<String> string(String key) {
        return keys.string(key);
    }

    @Override
    public OptionalLong integer(String key) {
        return keys.integer(key);
    }

    @Override
    public OptionalDouble number(String key) {
        return keys.number(key);
    }

    @Override
    public Optional<Boolean> bool(String key) {
        return keys.bool(key);
    }

    @Override
    public Optional<List<String>> strings(String key) {
        return keys.strings(key);
    }

    @Override
    public Optional<int[]> ints(String key) {
        return keys.ints(key);
    }

    @Override
    public Optional<float[]> floats(String key) {
        return keys.floats(key);
    }

    @Override
    public byte[] textArtifact() {
        return keys.textArtifact();
    }

    /** Over every file that was read: names and digests, in the order of the names. */
    @Override
    public String fingerprint() {
        Map<String, String> digests = new TreeMap<>(files.digests);
        digests.putAll(weights.digests());
        List<byte[]> parts = new ArrayList<>();
        digests.forEach(
                (name, digest) -> {
                    parts.add(name.getBytes(StandardCharsets.UTF_8));
                    parts.add(digest.getBytes(StandardCharsets.US_ASCII));
                });
        return Sha256.hexOfParts(parts.toArray(byte[][]::new));
    }

    @Override
    public void close() {
        keys.close();
        if (arena.scope().isAlive()) {
            arena.close();
        }
    }
}
