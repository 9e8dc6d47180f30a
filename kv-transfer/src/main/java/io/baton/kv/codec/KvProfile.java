package io.baton.kv.codec;

import io.baton.common.error.BatonException;
import io.baton.common.error.ErrorCode;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.HexFormat;
import java.util.Map;
import java.util.Optional;
import java.util.SequencedMap;
import java.util.TreeMap;

/**
 * What codecs have learned about the KV of one model, ahead of time: one file, each codec's part of
 * it a named section whose meaning is the codec's own. {@link ProfileFormat} writes down the bytes;
 * equal contents give equal bytes everywhere.
 *
 * <p>A profile is named by the first 8 bytes of its checksum, so peers that use the same number
 * have the same tables. Bytes may come from a peer: every length is checked before it is used, and
 * nothing is read before the checksum is. Lies outside Java's heap. Immutable; safe for any thread.
 */
public final class KvProfile {
    /** Longest profile, and longest file that is read. */
    public static final long MAX_BYTES = 64L << 20;

    /** Most sections. */
    public static final int MAX_SECTIONS = 16;

    private final MemorySegment bytes;
    private final Model model;
    private final SequencedMap<String, MemorySegment> sections;
    private final long id;

    private KvProfile(
            MemorySegment bytes, Model model, SequencedMap<String, MemorySegment> sections) {
        this.bytes = bytes;
        this.model = model;
        this.sections = sections;
        this.id = ProfileFormat.id(bytes);
    }

    /**
     * Whose KV it is.
     *
     * @param fingerprint model fingerprint, 1 to {@value ProfileFormat#FINGERPRINT_BYTES} bytes of
     *     UTF-8
     * @param layers transformer layers
     * @param kvHeads key/value heads per layer
     * @param headDim elements per head
     */
    public record Model(String fingerprint, int layers, int kvHeads, int headDim) {
        public Model {
            int length = fingerprint.getBytes(StandardCharsets.UTF_8).length;
            if (length < 1
                    || length > ProfileFormat.FINGERPRINT_BYTES
                    || fingerprint.indexOf('\0') >= 0
                    || layers < 1
                    || kvHeads < 1
                    || headDim < 1) {
                throw new IllegalArgumentException(
                        "a model with a fingerprint of %d bytes, %d layers, %d KV heads of %d"
                                .formatted(length, layers, kvHeads, headDim));
            }
        }
    }

    /**
     * Makes a profile.
     *
     * @param sections by name (a-z, 0-9 and hyphens, 1 to {@value ProfileFormat#NAME_BYTES});
     *     copied
     * @throws IllegalArgumentException if there are more than {@value #MAX_SECTIONS}, a name is
     *     wrong, or it would be longer than {@link #MAX_BYTES}
     */
    public static KvProfile make(Model model, Map<String, MemorySegment> sections) {
        return of(ProfileFormat.write(model, new TreeMap<>(sections)));
    }

    /**
     * Reads a profile from memory.
     *
     * @param bytes from anywhere; copied
     * @throws BatonException KV_TRANSFER_FAILED if they are no profile
     */
    public static KvProfile read(MemorySegment bytes) {
        ProfileFormat.requireSize(bytes.byteSize());
        MemorySegment own = Arena.ofAuto().allocate(bytes.byteSize(), ProfileFormat.ALIGNMENT);
        return of(own.copyFrom(bytes));
    }

    /**
     * Reads a profile from a file.
     *
     * @throws BatonException KV_TRANSFER_FAILED if it is no profile
     */
    public static KvProfile read(Path file) throws IOException {
        try (FileChannel channel = FileChannel.open(file, StandardOpenOption.READ)) {
            long size = channel.size();
            ProfileFormat.requireSize(size);
            MemorySegment own = Arena.ofAuto().allocate(size, ProfileFormat.ALIGNMENT);
            ByteBuffer buffer = own.asByteBuffer();
            while (buffer.hasRemaining() && channel.read(buffer) >= 0) {
                // A file that has become shorter fails its checksum.
            }
            return of(own);
        }
    }

    private static KvProfile of(MemorySegment own) {
        MemorySegment bytes = own.asReadOnly();
        ProfileFormat.Contents contents = ProfileFormat.read(bytes);
        return new KvProfile(bytes, contents.model(), contents.sections());
    }

    /** Writes the profile; whoever looks at the file sees all of it or what was there before. */
    public void write(Path file) throws IOException {
        Path parent = file.toAbsolutePath().getParent();
        if (parent == null) {
            throw new IOException(file + " is a folder");
        }
        Files.createDirectories(parent);
        Path unfinished = Files.createTempFile(parent, "profile-", ".unfinished");
        try {
            try (FileChannel channel = FileChannel.open(unfinished, StandardOpenOption.WRITE)) {
                ByteBuffer buffer = bytes.asByteBuffer();
                while (buffer.hasRemaining()) {
                    channel.write(buffer);
                }
                channel.force(true);
            }
            Files.move(unfinished, file, StandardCopyOption.ATOMIC_MOVE);
        } finally {
            Files.deleteIfExists(unfinished);
        }
    }

    /** The number in frame headers; never 0, which is no profile. */
    public long id() {
        return id;
    }

    /** SHA-256 over all bytes before it, with which a profile ends; 32 bytes. */
    public byte[] checksum() {
        return ProfileFormat.checksum(bytes);
    }

    /** The number as it stands in file names and messages: 16 hexadecimal digits. */
    public String name() {
        return name(id);
    }

    /** A profile's number as {@link #name()} writes it. */
    public static String name(long id) {
        return HexFormat.of().toHexDigits(id);
    }

    /** Whose KV it is. */
    public Model model() {
        return model;
    }

    /**
     * A codec's section, at an address that {@value ProfileFormat#ALIGNMENT} divides. Read-only.
     */
    public Optional<MemorySegment> section(String name) {
        return Optional.ofNullable(sections.get(name));
    }

    /** All sections in the order of their names. */
    public SequencedMap<String, MemorySegment> sections() {
        return sections;
    }

    /** The whole profile as in its file. Read-only. */
    public MemorySegment bytes() {
        return bytes;
    }

    /**
     * Refuses the profile of another model.
     *
     * @throws BatonException KV_TRANSFER_FAILED if it is one
     */
    public KvProfile require(Model wanted) {
        if (!model.equals(wanted)) {
            throw new BatonException(
                    ErrorCode.KV_TRANSFER_FAILED,
                    "KV profile %s is of another model: of %s, wanted for %s"
                            .formatted(name(), model, wanted));
        }
        return this;
    }

    @Override
    public boolean equals(Object other) {
        return other instanceof KvProfile profile && bytes.mismatch(profile.bytes) < 0;
    }

    @Override
    public int hashCode() {
        return Long.hashCode(id);
    }

    @Override
    public String toString() {
        return "KV profile %s, %d bytes, sections %s of %s"
                .formatted(name(), bytes.byteSize(), sections.keySet(), model);
    }
}
