package io.baton.router.dispatch;

import io.baton.common.error.BatonException;
import io.baton.common.error.ErrorCode;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.security.InvalidKeyException;
import java.security.NoSuchAlgorithmException;
import java.security.SecureRandom;
import java.util.Arrays;
import java.util.HexFormat;
import javax.crypto.Mac;
import javax.crypto.spec.SecretKeySpec;
import org.jspecify.annotations.Nullable;

/**
 * Makes the salt that keeps tenants' KV apart: {@code HMAC-SHA-256(secret, tenant, sub-salt)}, each
 * field after its length. The secret stays here; a client's {@code cache_salt} is mixed in, so it
 * can narrow reuse and never widen it. Immutable; safe for any thread.
 */
public final class TenantSalts {
    private static final int SECRET_BYTES = 32;
    private static final int MIN_SECRET_CHARACTERS = 32;
    private static final String FILE = "tenant-secret";

    private final SecretKeySpec key;

    private TenantSalts(byte[] secret) {
        this.key = new SecretKeySpec(secret, "HmacSHA256");
    }

    /**
     * From a configured secret, shared by routers.
     *
     * @throws BatonException CONFIGURATION if it is too short to be secret
     */
    public static TenantSalts of(String secret) {
        if (secret.length() < MIN_SECRET_CHARACTERS) {
            throw new BatonException(
                    ErrorCode.CONFIGURATION,
                    "the tenant secret must have at least %d characters; make one with: openssl rand -hex 32"
                            .formatted(MIN_SECRET_CHARACTERS),
                    "tenant.secret");
        }
        return new TenantSalts(secret.getBytes(StandardCharsets.UTF_8));
    }

    /**
     * From the secret in a folder, which is created once, readable by its owner alone.
     *
     * @throws BatonException CONFIGURATION if the folder cannot be used
     */
    public static TenantSalts inFolder(Path folder, SecureRandom random) {
        Path file = folder.resolve(FILE);
        try {
            Files.createDirectories(folder);
            if (!Files.exists(file)) {
                create(file, random);
            }
            String secret = Files.readString(file, StandardCharsets.US_ASCII).strip();
            if (secret.length() != 2 * SECRET_BYTES) {
                throw unusable(file, "it does not hold 64 hex characters; delete it", null);
            }
            return new TenantSalts(HexFormat.of().parseHex(secret));
        } catch (IOException | IllegalArgumentException e) {
            throw unusable(file, String.valueOf(e.getMessage()), e);
        }
    }

    private static void create(Path file, SecureRandom random) throws IOException {
        byte[] secret = new byte[SECRET_BYTES];
        random.nextBytes(secret);
        // Written aside and linked into place: two routers that start at once agree on one.
        Path draft =
                Files.createTempFile(
                        file.getParent(),
                        FILE,
                        ".new",
                        PosixFilePermissions.asFileAttribute(
                                PosixFilePermissions.fromString("rw-------")));
        try {
            Files.writeString(draft, HexFormat.of().formatHex(secret) + "\n");
            Files.createLink(file, draft);
        } catch (FileAlreadyExistsException e) {
            // The other one's counts.
            return;
        } finally {
            Files.deleteIfExists(draft);
        }
    }

    private static BatonException unusable(Path file, String why, @Nullable Exception cause) {
        return new BatonException(
                ErrorCode.CONFIGURATION,
                "the tenant secret %s cannot be used: %s; set state.folder to a folder that can be written"
                        .formatted(file, why),
                "state.folder",
                cause);
    }

    /**
     * A tenant's salt, 32 bytes.
     *
     * @param tenant id of the API key, or "anonymous"
     * @param subSalt the client's {@code cache_salt}, or null
     */
    public byte[] salt(String tenant, @Nullable String subSalt) {
        try {
            Mac mac = Mac.getInstance("HmacSHA256");
            mac.init(key);
            field(mac, tenant.getBytes(StandardCharsets.UTF_8));
            if (subSalt != null) {
                field(mac, subSalt.getBytes(StandardCharsets.UTF_8));
            }
            return mac.doFinal();
        } catch (NoSuchAlgorithmException | InvalidKeyException e) {
            throw new IllegalStateException("every JDK has HMAC-SHA-256", e);
        }
    }

    private static void field(Mac mac, byte[] bytes) {
        mac.update(ByteBuffer.allocate(4).putInt(bytes.length).array());
        mac.update(bytes);
    }

    @Override
    public boolean equals(Object other) {
        return other instanceof TenantSalts salts
                && Arrays.equals(key.getEncoded(), salts.key.getEncoded());
    }

    @Override
    public int hashCode() {
        return Arrays.hashCode(key.getEncoded());
    }
}
