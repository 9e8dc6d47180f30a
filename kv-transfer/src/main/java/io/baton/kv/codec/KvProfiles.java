package io.baton.kv.codec;

import io.baton.common.error.BatonException;
import io.baton.common.error.ErrorCode;
import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import org.jspecify.annotations.Nullable;

/**
 * The profiles that a worker knows: those it was given, and those of its folder, which are read
 * when they are asked for. Profiles that a peer sent are kept in the folder. Safe for any thread.
 */
public final class KvProfiles {
    /** How files of profiles end. */
    public static final String EXTENSION = ".kvprofile";

    /** Most profiles in memory at once; a worker serves one model, whose senders agree. */
    public static final int MAX_PROFILES = 16;

    private static final int MAX_FILES = 256;
    private static final System.Logger LOG = System.getLogger(KvProfiles.class.getName());

    private final @Nullable Path folder;
    private final Map<Long, KvProfile> known = new ConcurrentHashMap<>();

    private KvProfiles(@Nullable Path folder) {
        this.folder = folder;
    }

    /** Profiles in memory alone. */
    public static KvProfiles inMemory() {
        return new KvProfiles(null);
    }

    /** Profiles of a folder, which need not exist yet. */
    public static KvProfiles in(Path folder) {
        return new KvProfiles(folder);
    }

    /**
     * Gives a profile.
     *
     * @throws BatonException OVERLOADED if there are too many
     */
    public synchronized void add(KvProfile profile) {
        if (known.size() >= MAX_PROFILES && !known.containsKey(profile.id())) {
            throw new BatonException(
                    ErrorCode.OVERLOADED,
                    "%d KV profiles are in use, the limit; start the worker again to forget them"
                            .formatted(MAX_PROFILES));
        }
        known.put(profile.id(), profile);
    }

    /**
     * Gives a profile and writes it into the folder, where there is one. A file that cannot be
     * written is only logged: the profile is known for as long as the worker runs.
     */
    public void keep(KvProfile profile) {
        add(profile);
        if (folder == null) {
            return;
        }
        Path file = folder.resolve(profile.name() + EXTENSION);
        try {
            if (!Files.exists(file)) {
                profile.write(file);
            }
        } catch (IOException e) {
            LOG.log(System.Logger.Level.WARNING, "cannot keep a KV profile in " + file, e);
        }
    }

    /** The profile of this number, from memory alone: may be asked for every frame. */
    public @Nullable KvProfile known(long id) {
        return known.get(id);
    }

    /** The profile of this number, from memory or from the folder. */
    public Optional<KvProfile> find(long id) {
        KvProfile profile = known.get(id);
        if (profile == null && folder != null) {
            profile = read(folder.resolve(KvProfile.name(id) + EXTENSION));
            if (profile != null && profile.id() != id) {
                LOG.log(System.Logger.Level.WARNING, "{0} is not what its name says", profile);
                profile = null;
            }
            if (profile != null) {
                add(profile);
            }
        }
        return Optional.ofNullable(profile);
    }

    /**
     * A profile of the model with all these sections: of several the one with the lowest number, so
     * that workers that have the same files choose alike.
     */
    public Optional<KvProfile> of(KvProfile.Model model, List<String> sections) {
        List<KvProfile> fitting = new ArrayList<>(known.values());
        for (Path file : files()) {
            KvProfile profile = read(file);
            if (profile != null) {
                fitting.add(profile);
            }
        }
        Optional<KvProfile> chosen =
                fitting.stream()
                        .filter(profile -> profile.model().equals(model))
                        .filter(profile -> profile.sections().keySet().containsAll(sections))
                        .min((a, b) -> Long.compareUnsigned(a.id(), b.id()));
        chosen.ifPresent(this::add);
        return chosen;
    }

    private List<Path> files() {
        List<Path> files = new ArrayList<>();
        if (folder == null || !Files.isDirectory(folder)) {
            return files;
        }
        try (DirectoryStream<Path> entries = Files.newDirectoryStream(folder, "*" + EXTENSION)) {
            for (Path entry : entries) {
                if (files.size() == MAX_FILES) {
                    LOG.log(
                            System.Logger.Level.WARNING,
                            "more than {0} files in {1}",
                            MAX_FILES,
                            folder);
                    break;
                }
                files.add(entry);
            }
        } catch (IOException e) {
            LOG.log(System.Logger.Level.WARNING, "cannot look for KV profiles in " + folder, e);
        }
        Collections.sort(files);
        return files;
    }

    /** The profile of a file, null if it is none. */
    private static @Nullable KvProfile read(Path file) {
        try {
            return KvProfile.read(file);
        } catch (NoSuchFileException e) {
            return null;
        } catch (IOException | BatonException e) {
            LOG.log(System.Logger.Level.WARNING, "cannot use " + file + " as a KV profile", e);
            return null;
        }
    }
}
