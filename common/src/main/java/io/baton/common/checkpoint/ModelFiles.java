package io.baton.common.checkpoint;

import io.baton.common.model.GgufFile;
import io.baton.common.model.ModelFile;
import java.nio.file.Files;
import java.nio.file.Path;

/** Opens models of either format. */
public final class ModelFiles {
    private ModelFiles() {}

    /**
     * The model at a path: a folder is a checkpoint, a file is GGUF.
     *
     * @throws io.baton.common.error.BatonException MODEL_FILE_INVALID
     */
    public static ModelFile open(Path path) {
        return Files.isDirectory(path) ? CheckpointFolder.open(path) : GgufFile.open(path);
    }
}
