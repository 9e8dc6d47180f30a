package io.baton.common.model;

import java.util.List;
import java.util.Optional;

/**
 * A model that Baton knows by name.
 *
 * @param name as used on the command line and as the served name
 * @param aliases other names of it
 * @param title one line for people
 * @param family {@code llama} or {@code gemma3}
 * @param file name of the model file in the store
 * @param license its terms
 * @param chatTemplate named chat template where the file has none
 * @param sources in the order in which they are tried
 */
public record CatalogueModel(
        String name,
        List<String> aliases,
        String title,
        String family,
        String file,
        ModelLicense license,
        Optional<String> chatTemplate,
        List<ModelSource> sources) {
    public CatalogueModel {
        aliases = List.copyOf(aliases);
        sources = List.copyOf(sources);
    }
}
