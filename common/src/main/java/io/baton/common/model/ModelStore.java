package io.baton.common.model;

import io.baton.common.error.BatonException;
import io.baton.common.error.ErrorCode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.SerializationFeature;
import tools.jackson.databind.json.JsonMapper;

/**
 * The folder in which pulled models lie, and the way from a model's name to its file.
 *
 * <pre>
 * FOLDER/models/NAME/FILE.gguf + manifest.json        catalogue models
 * FOLDER/models/hub/OWNER/REPO/FILE.gguf + ...        models by hub id
 * FOLDER/consents/LICENSE.json                        terms that the user agreed to
 * </pre>
 *
 * A manifest is written after the file was verified, so a model with a manifest is whole. Safe for
 * any thread.
 */
public final class ModelStore {
    private static final String MANIFEST = ".manifest.json";
    private static final int MAX_LISTED = 10_000;
    private static final JsonMapper JSON =
            JsonMapper.builder().enable(SerializationFeature.INDENT_OUTPUT).build();

    /** What is written beside a pulled file. */
    record Manifest(
            String name,
            long bytes,
            String sha256,
            String source,
            String license,
            String pulledAt) {}

    /** The record of a user's agreement. */
    record Consent(String license, String title, String url, String acceptedAt) {}

    private final Path folder;

    public ModelStore(Path folder) {
        this.folder = folder;
    }

    /**
     * The store of this user: {@code $BATON_HOME}, else {@code $XDG_CACHE_HOME/baton}, else {@code
     * ~/.cache/baton}.
     */
    public static ModelStore ofUser(Map<String, String> environment, Path home) {
        String own = environment.getOrDefault("BATON_HOME", "");
        String cache = environment.getOrDefault("XDG_CACHE_HOME", "");
        if (!own.isBlank()) {
            return new ModelStore(Path.of(own));
        }
        return new ModelStore(
                (cache.isBlank() ? home.resolve(".cache") : Path.of(cache)).resolve("baton"));
    }

    public Path folder() {
        return folder;
    }

    /**
     * What is behind a reference: an existing file, a folder with one GGUF file, a checkpoint
     * folder, a catalogue name, a hub id.
     *
     * @throws BatonException MODEL_NOT_FOUND, naming the command that pulls it
     */
    public StoredModel resolve(String reference) {
        Optional<Path> path = existing(reference);
        if (path.isPresent()) {
            return local(path.get());
        }
        Optional<CatalogueModel> catalogue = ModelCatalogue.find(reference);
        if (catalogue.isPresent()) {
            return find(catalogue.get()).orElseThrow(() -> notPulled(catalogue.get().name()));
        }
        Optional<HubId> hub = HubId.parse(reference);
        if (hub.isPresent()) {
            return findHub(hub.get()).orElseThrow(() -> notPulled(reference));
        }
        throw new BatonException(
                ErrorCode.MODEL_NOT_FOUND,
                "'%s' is no file or folder, no catalogue name (%s) and no hub id OWNER/REPO[:FILE]."
                        .formatted(
                                reference,
                                String.join(
                                        ", ",
                                        ModelCatalogue.all().stream()
                                                .map(CatalogueModel::name)
                                                .toList())),
                "model");
    }

    /** A catalogue model, if it was pulled and its file has its size still. */
    public Optional<StoredModel> find(CatalogueModel model) {
        return read(place(model), Optional.of(model));
    }

    /** Everything that was pulled. */
    public List<StoredModel> list() {
        List<StoredModel> models = new ArrayList<>();
        for (CatalogueModel model : ModelCatalogue.all()) {
            find(model).ifPresent(models::add);
        }
        for (Path file : ggufFiles(folder.resolve("models").resolve("hub"), 8)) {
            read(file, Optional.empty()).ifPresent(models::add);
        }
        return List.copyOf(models);
    }

    /** Whether the user agreed to these terms. */
    public boolean hasConsent(ModelLicense license) {
        return Files.isRegularFile(consentFile(license));
    }

    void recordConsent(ModelLicense license, String at) {
        write(consentFile(license), new Consent(license.id(), license.title(), license.url(), at));
    }

    /** Where a catalogue model's file belongs. */
    Path place(CatalogueModel model) {
        return folder.resolve("models").resolve(model.name()).resolve(model.file());
    }

    /** Where a hub file belongs. */
    Path place(HubId id, String file) {
        return hubFolder(id).resolve(file);
    }

    void recordPull(Path file, Manifest manifest) {
        write(manifestOf(file), manifest);
    }

    Optional<StoredModel> findHub(HubId id) {
        if (id.file().isPresent()) {
            return read(place(id, id.file().get()), Optional.empty());
        }
        List<Path> files = ggufFiles(hubFolder(id), 4);
        if (files.size() > 1) {
            throw several(id.name(), files, hubFolder(id));
        }
        return files.isEmpty() ? Optional.empty() : read(files.getFirst(), Optional.empty());
    }

    Optional<StoredModel> read(Path file, Optional<CatalogueModel> catalogue) {
        Path manifestFile = manifestOf(file);
        if (!Files.isRegularFile(file) || !Files.isRegularFile(manifestFile)) {
            return Optional.empty();
        }
        try {
            Manifest manifest = JSON.readValue(manifestFile.toFile(), Manifest.class);
            if (Files.size(file) != manifest.bytes()) {
                return Optional.empty();
            }
            return Optional.of(
                    new StoredModel(
                            manifest.name(),
                            file,
                            manifest.bytes(),
                            Optional.of(manifest.sha256()),
                            Optional.of(manifest.source()),
                            catalogue));
        } catch (IOException | JacksonException e) {
            throw broken(manifestFile, "cannot be read", e);
        }
    }

    private StoredModel local(Path path) {
        Path file = path;
        if (Files.isDirectory(path)) {
            List<Path> files = ggufFiles(path, 1);
            if (files.size() > 1) {
                throw several(path.toString(), files, path);
            }
            if (files.isEmpty()) {
                return checkpoint(path);
            }
            file = files.getFirst();
        }
        String name = String.valueOf(file.getFileName()).replaceFirst("(?i)\\.gguf$", "");
        try {
            return new StoredModel(
                    name,
                    file,
                    Files.size(file),
                    Optional.empty(),
                    Optional.empty(),
                    Optional.empty());
        } catch (IOException e) {
            throw broken(file, "cannot be read", e);
        }
    }

    /** A folder as transformers saves it. */
    private StoredModel checkpoint(Path path) {
        if (!Files.isRegularFile(path.resolve("config.json"))) {
            throw new BatonException(
                    ErrorCode.MODEL_NOT_FOUND,
                    "the folder %s holds no .gguf file and no checkpoint (config.json)."
                            .formatted(path),
                    "model");
        }
        long bytes = 0;
        try (Stream<Path> files = Files.list(path)) {
            for (Path file : files.filter(Files::isRegularFile).limit(MAX_LISTED).toList()) {
                bytes += file.toString().endsWith(".safetensors") ? Files.size(file) : 0;
            }
        } catch (IOException e) {
            throw broken(path, "cannot be listed", e);
        }
        return new StoredModel(
                String.valueOf(path.toAbsolutePath().normalize().getFileName()),
                path,
                bytes,
                Optional.empty(),
                Optional.empty(),
                Optional.empty());
    }

    private static Optional<Path> existing(String reference) {
        try {
            Path path = Path.of(reference);
            return Files.exists(path) ? Optional.of(path) : Optional.empty();
        } catch (InvalidPathException e) {
            return Optional.empty();
        }
    }

    private static List<Path> ggufFiles(Path root, int depth) {
        if (!Files.isDirectory(root)) {
            return List.of();
        }
        try (Stream<Path> paths = Files.walk(root, depth)) {
            return paths.filter(path -> path.toString().endsWith(".gguf"))
                    .filter(Files::isRegularFile)
                    .sorted()
                    .limit(MAX_LISTED)
                    .toList();
        } catch (IOException e) {
            throw broken(root, "cannot be listed", e);
        }
    }

    private void write(Path file, Object value) {
        try {
            Files.createDirectories(parent(file));
            Path part = file.resolveSibling(file.getFileName() + ".part");
            Files.writeString(part, JSON.writeValueAsString(value) + "\n");
            Files.move(
                    part,
                    file,
                    StandardCopyOption.ATOMIC_MOVE,
                    StandardCopyOption.REPLACE_EXISTING);
        } catch (IOException e) {
            throw broken(file, "cannot be written", e);
        }
    }

    private Path consentFile(ModelLicense license) {
        return folder.resolve("consents").resolve(license.id() + ".json");
    }

    private Path hubFolder(HubId id) {
        return folder.resolve("models").resolve("hub").resolve(id.owner()).resolve(id.repository());
    }

    private static Path manifestOf(Path file) {
        return file.resolveSibling(file.getFileName() + MANIFEST);
    }

    static Path parent(Path file) {
        @Nullable Path parent = file.getParent();
        return parent == null ? Path.of("") : parent;
    }

    private static BatonException several(String name, List<Path> files, Path root) {
        return new BatonException(
                ErrorCode.MODEL_NOT_FOUND,
                "%s holds several models: %s. Name one."
                        .formatted(
                                name,
                                String.join(
                                        ", ",
                                        files.stream()
                                                .limit(20)
                                                .map(file -> root.relativize(file).toString())
                                                .toList())),
                "model");
    }

    private static BatonException notPulled(String name) {
        return new BatonException(
                ErrorCode.MODEL_NOT_FOUND,
                "the model %s is not on this machine; pull it with: baton model pull %s"
                        .formatted(name, name),
                "model");
    }

    static BatonException broken(Path path, String what, Exception cause) {
        return new BatonException(
                ErrorCode.INTERNAL,
                "%s %s: %s. Check rights and free space.".formatted(path, what, cause),
                null,
                cause);
    }
}
