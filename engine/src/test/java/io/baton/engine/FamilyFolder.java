package io.baton.engine;

import io.baton.common.model.TensorType;
import io.baton.common.testkit.Safetensors;
import io.baton.engine.FamilyCase.CheckpointTensor;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.function.UnaryOperator;

/** Writes a family's checkpoint as transformers saves it. */
final class FamilyFolder {
    private FamilyFolder() {}

    /** In one file. */
    static void write(FamilyCase model, Path folder, TensorType type) throws IOException {
        Files.write(
                folder.resolve("model.safetensors"),
                Safetensors.of(tensors(model, type, values -> values)));
        text(model, folder);
    }

    /** The same weights as {@link #write} with another type gives, but kept in float32. */
    static void writeRounded(FamilyCase model, Path folder, TensorType type) throws IOException {
        UnaryOperator<float[]> rounded = values -> rounded(values, type);
        Files.write(
                folder.resolve("model.safetensors"),
                Safetensors.of(tensors(model, TensorType.F32, rounded)));
        text(model, folder);
    }

    /** In two files and an index. */
    static void writeSharded(FamilyCase model, Path folder) throws IOException {
        List<Safetensors.Tensor> all = tensors(model, TensorType.F32, values -> values);
        StringBuilder index = new StringBuilder("{\"metadata\":{},\"weight_map\":{");
        List<List<Safetensors.Tensor>> shards = List.of(new ArrayList<>(), new ArrayList<>());
        for (int i = 0; i < all.size(); i++) {
            shards.get(i % 2).add(all.get(i));
            index.append(
                    "%s\"%s\":\"model-0000%d-of-00002.safetensors\""
                            .formatted(i == 0 ? "" : ",", all.get(i).name(), 1 + i % 2));
        }
        for (int i = 0; i < 2; i++) {
            Files.write(
                    folder.resolve("model-0000%d-of-00002.safetensors".formatted(1 + i)),
                    Safetensors.of(shards.get(i)));
        }
        Files.writeString(folder.resolve("model.safetensors.index.json"), index + "}}");
        text(model, folder);
    }

    private static void text(FamilyCase model, Path folder) throws IOException {
        Files.writeString(folder.resolve("config.json"), model.config().toString());
        Files.writeString(folder.resolve("tokenizer.json"), Safetensors.byteTokenizer());
    }

    private static List<Safetensors.Tensor> tensors(
            FamilyCase model, TensorType type, UnaryOperator<float[]> change) {
        List<Safetensors.Tensor> tensors = new ArrayList<>();
        for (CheckpointTensor tensor : model.tensors()) {
            tensors.add(
                    new Safetensors.Tensor(
                            tensor.name(), type, tensor.shape(), change.apply(tensor.values())));
        }
        return tensors;
    }

    private static float[] rounded(float[] values, TensorType type) {
        float[] rounded = new float[values.length];
        for (int i = 0; i < values.length; i++) {
            rounded[i] =
                    type == TensorType.F16
                            ? Float.float16ToFloat(Float.floatToFloat16(values[i]))
                            : Float.intBitsToFloat(Safetensors.bfloat16(values[i]) << 16);
        }
        return rounded;
    }
}
