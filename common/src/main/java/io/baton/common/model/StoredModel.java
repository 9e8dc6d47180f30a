package io.baton.common.model;

import java.nio.file.Path;
import java.util.Optional;

/**
 * A model file on this machine.
 *
 * @param name under which it is served unless other names are configured
 * @param path of the file, or of a checkpoint's folder
 * @param bytes its size
 * @param sha256 as verified when it was pulled; empty for a file that the user brought
 * @param source where it was pulled from; empty for a file that the user brought
 * @param catalogue its entry, if it is one of ours
 */
public record StoredModel(
        String name,
        Path path,
        long bytes,
        Optional<String> sha256,
        Optional<String> source,
        Optional<CatalogueModel> catalogue) {
    /** The named chat template that the catalogue gives it, if any. */
    public Optional<String> chatTemplate() {
        return catalogue.flatMap(CatalogueModel::chatTemplate);
    }
}
