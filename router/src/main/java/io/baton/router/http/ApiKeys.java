package io.baton.router.http;

import io.baton.common.error.BatonException;
import io.baton.common.error.ErrorCode;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * The keys that clients may use, kept as SHA-256 only and compared in constant time. Immutable;
 * safe for any thread.
 */
public final class ApiKeys {
    /** The tenant of a request where no keys are set. */
    public static final String ANONYMOUS = "anonymous";

    private static final String HASHED = "sha256:";
    private static final int HASH_BYTES = 32;

    private final List<byte[]> hashes;

    private ApiKeys(List<byte[]> hashes) {
        this.hashes = hashes;
    }

    /**
     * Keys as text, or as {@code sha256:HEX} of the text.
     *
     * @throws BatonException CONFIGURATION for a malformed hash
     */
    public static ApiKeys of(List<String> keys) {
        List<byte[]> hashes = new ArrayList<>();
        for (String key : keys) {
            if (key.startsWith(HASHED)) {
                hashes.add(hash(key));
            } else {
                hashes.add(sha256(key));
            }
        }
        return new ApiKeys(hashes);
    }

    private static byte[] hash(String key) {
        try {
            byte[] hash = HexFormat.of().parseHex(key.substring(HASHED.length()));
            if (hash.length == HASH_BYTES) {
                return hash;
            }
        } catch (IllegalArgumentException e) {
            throw malformed(e);
        }
        throw malformed(null);
    }

    private static BatonException malformed(@Nullable Exception cause) {
        return new BatonException(
                ErrorCode.CONFIGURATION,
                "an API key that begins with sha256: must have 64 hex characters after it",
                "api.keys",
                cause);
    }

    /** Whether a key is needed. */
    public boolean areSet() {
        return !hashes.isEmpty();
    }

    /**
     * The tenant behind a presented key: a part of its hash. Every key is compared, whichever fits.
     *
     * @param presented null if none was sent
     */
    public Optional<String> tenant(@Nullable String presented) {
        if (hashes.isEmpty()) {
            return Optional.of(ANONYMOUS);
        }
        byte[] given = sha256(presented == null ? "" : presented);
        boolean found = false;
        for (byte[] hash : hashes) {
            found |= MessageDigest.isEqual(hash, given);
        }
        return found && presented != null
                ? Optional.of("key-" + HexFormat.of().formatHex(given, 0, 8))
                : Optional.empty();
    }

    private static byte[] sha256(String text) {
        try {
            return MessageDigest.getInstance("SHA-256")
                    .digest(text.getBytes(StandardCharsets.UTF_8));
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("every JDK has SHA-256", e);
        }
    }
}
