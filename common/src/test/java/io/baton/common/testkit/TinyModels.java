package io.baton.common.testkit;

import io.baton.common.model.GgufFile;
import io.baton.common.model.TensorType;
import io.baton.common.model.TinyModel;
import java.nio.file.Path;

/** Tiny complete models, as files or in memory. */
public final class TinyModels {
    private TinyModels() {}

    /** The tiny Llama (Q8_0) as a file in {@code folder}. */
    public static Path llama(Path folder) {
        return write(TinyModel.llama(), folder.resolve("tiny-llama.gguf"));
    }

    /** The tiny Gemma 3 (Q8_0) as a file in {@code folder}. */
    public static Path gemma3(Path folder) {
        return write(TinyModel.gemma3(), folder.resolve("tiny-gemma3.gguf"));
    }

    /**
     * A Llama of 256 columns whose matrices have every type in turn, as a file in {@code folder}.
     */
    public static Path llamaOfAllTypes(Path folder) {
        return write(
                TinyModel.llama().withWidths(256, 512).withTypes(TensorType.values()),
                folder.resolve("tiny-llama-all.gguf"));
    }

    /** Any tiny model in memory; close it after use. */
    public static GgufFile open(TinyModel model) {
        return GgufFile.ofBytes(model.toBytes());
    }

    private static Path write(TinyModel model, Path file) {
        model.write(file);
        return file;
    }
}
