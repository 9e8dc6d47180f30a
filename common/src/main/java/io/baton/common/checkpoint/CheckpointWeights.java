package io.baton.common.checkpoint;

import static io.baton.common.checkpoint.CheckpointJson.quote;

import io.baton.common.error.BatonException;
import io.baton.common.model.GgufTensor;
import io.baton.common.model.Sha256;
import io.baton.common.model.TensorType;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.regex.Pattern;
import tools.jackson.databind.JsonNode;

/** A folder's safetensors files, mapped, their tensors under GGUF's names. */
final class CheckpointWeights {
    private static final ValueLayout.OfFloat FLOAT =
            ValueLayout.JAVA_FLOAT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    private static final ValueLayout.OfShort SHORT =
            ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    private static final String SINGLE = "model.safetensors";
    private static final String INDEX = "model.safetensors.index.json";
    private static final int MAX_SHARDS = 1024;
    private static final int MAX_INDEX_BYTES = 64 << 20;

    /** A plain name in the folder: nothing that leads out of it. */
    private static final Pattern SHARD =
            Pattern.compile("[A-Za-z0-9_-][A-Za-z0-9._-]{0,200}\\.safetensors");

    private final Path folder;
    private final Arena arena;
    private final CheckpointConfig config;
    private final CheckpointNames names;
    private final Map<String, MemorySegment> shards = new TreeMap<>();
    private final Map<String, GgufTensor> tensors = new LinkedHashMap<>();

    CheckpointWeights(Path folder, Arena arena, CheckpointConfig config) throws IOException {
        this.folder = folder;
        this.arena = arena;
        this.config = config;
        this.names = new CheckpointNames(config.gemma());
        if (Files.isRegularFile(folder.resolve(SINGLE))) {
            map(SINGLE).forEach(this::put);
        } else if (Files.isRegularFile(folder.resolve(INDEX))) {
            indexed();
        } else {
            throw CheckpointJson.invalid(
                    folder.toString(),
                    "it holds neither %s nor %s; other formats of weights are not read"
                            .formatted(SINGLE, INDEX));
        }
        config.rope().tensors().forEach(this::putFactors);
    }

    private void indexed() throws IOException {
        String source = folder.resolve(INDEX).toString();
        byte[] bytes = CheckpointJson.read(folder.resolve(INDEX), MAX_INDEX_BYTES);
        shards.put(INDEX, MemorySegment.ofArray(bytes));
        JsonNode index = CheckpointJson.object(source, bytes).path("weight_map");
        if (!index.isObject() || index.isEmpty()) {
            throw CheckpointJson.invalid(source, "it has no weight_map");
        }
        Map<String, Map<String, GgufTensor>> found = new HashMap<>();
        for (Map.Entry<String, JsonNode> entry : index.properties()) {
            String shard = entry.getValue().asString("");
            if (!SHARD.matcher(shard).matches()) {
                throw CheckpointJson.invalid(
                        source, "%s is no name of a shard".formatted(quote(shard)));
            }
            if (!found.containsKey(shard)) {
                if (found.size() == MAX_SHARDS) {
                    throw CheckpointJson.invalid(
                            source, "it names more than %d shards".formatted(MAX_SHARDS));
                }
                Map<String, GgufTensor> tensors = new LinkedHashMap<>();
                map(shard).forEach(tensor -> tensors.put(tensor.name(), tensor));
                found.put(shard, tensors);
            }
            GgufTensor tensor = found.get(shard).remove(entry.getKey());
            if (tensor == null) {
                throw CheckpointJson.invalid(
                        source,
                        "tensor %s is not in %s".formatted(quote(entry.getKey()), quote(shard)));
            }
            put(tensor);
        }
        found.forEach(
                (shard, rest) ->
                        rest.keySet().stream()
                                .findFirst()
                                .ifPresent(
                                        name -> {
                                            throw CheckpointJson.invalid(
                                                    source,
                                                    "it does not name tensor %s of %s"
                                                            .formatted(quote(name), quote(shard)));
                                        }));
    }

    private List<GgufTensor> map(String shard) throws IOException {
        Path file = folder.resolve(shard);
        try (FileChannel channel = FileChannel.open(file, StandardOpenOption.READ)) {
            MemorySegment map =
                    channel.map(FileChannel.MapMode.READ_ONLY, 0, channel.size(), arena)
                            .asReadOnly();
            shards.put(shard, map);
            return SafetensorsFile.parse(file.toString(), map);
        }
    }

    private void put(GgufTensor tensor) {
        if (CheckpointNames.isPassedOver(tensor.name())) {
            return;
        }
        String name =
                names.toGguf(tensor.name())
                        .orElseThrow(
                                () ->
                                        invalid(
                                                "tensor %s has no place in family %s"
                                                        .formatted(
                                                                quote(tensor.name()),
                                                                config.family())));
        if (config.tied() && name.equals("output.weight")) {
            return;
        }
        boolean shifted = config.gemma() && name.endsWith("norm.weight");
        MemorySegment data = shifted ? plusOne(tensor) : tensor.data();
        TensorType type = shifted ? TensorType.F32 : tensor.type();
        if (tensors.put(name, new GgufTensor(name, type, tensor.dims(), data)) != null) {
            throw invalid("tensor %s occurs twice".formatted(quote(tensor.name())));
        }
    }

    /** Gemma's checkpoints hold the norm's gain less one. */
    private MemorySegment plusOne(GgufTensor tensor) {
        int count = Math.toIntExact(tensor.elements());
        MemorySegment source = tensor.data();
        MemorySegment out = arena.allocate(Math.multiplyExact(4L, count), 64);
        for (int i = 0; i < count; i++) {
            float value =
                    switch (tensor.type()) {
                        case F32 -> source.get(FLOAT, 4L * i);
                        case F16 -> Float.float16ToFloat(source.get(SHORT, 2L * i));
                        case BF16 -> Float.intBitsToFloat(source.get(SHORT, 2L * i) << 16);
                        case Q4_0, Q4_1, Q5_0, Q5_1, Q8_0, Q4_K, Q5_K, Q6_K ->
                                throw invalid("no safetensors type is " + tensor.type());
                    };
            out.set(FLOAT, 4L * i, value + 1);
        }
        return out.asReadOnly();
    }

    private void putFactors(String name, float[] factors) {
        MemorySegment data = arena.allocate(4L * Math.max(1, factors.length), 64);
        for (int i = 0; i < factors.length; i++) {
            data.set(FLOAT, 4L * i, factors[i]);
        }
        long[] dims = {factors.length};
        tensors.put(
                name,
                new GgufTensor(name, TensorType.F32, dims, data.asSlice(0, 4L * factors.length)));
    }

    List<GgufTensor> tensors() {
        return List.copyOf(tensors.values());
    }

    Optional<GgufTensor> find(String name) {
        return Optional.ofNullable(tensors.get(name));
    }

    /** What a tensor is called in the checkpoint. */
    String checkpointName(String name) {
        return names.fromGguf(name).orElse(name);
    }

    /** SHA-256 of the index and each shard, by name. */
    Map<String, String> digests() {
        Map<String, String> digests = new TreeMap<>();
        shards.forEach((name, bytes) -> digests.put(name, Sha256.hex(bytes)));
        return digests;
    }

    private BatonException invalid(String what) {
        return CheckpointJson.invalid(folder.toString(), what);
    }
}
