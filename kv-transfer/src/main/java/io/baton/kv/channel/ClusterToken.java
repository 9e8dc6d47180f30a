package io.baton.kv.channel;

import io.baton.common.error.BatonException;
import io.baton.common.error.ErrorCode;
import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.security.MessageDigest;
import javax.crypto.Mac;
import javax.crypto.spec.SecretKeySpec;

/** The secret that the workers of one cluster share. Never printed, never sent. */
public final class ClusterToken {
    /** Bytes of a proof. */
    static final int PROOF_BYTES = 32;

    private final byte[] secret;

    private ClusterToken(byte[] secret) {
        this.secret = secret;
    }

    /**
     * @throws BatonException CONFIGURATION if the token is blank
     */
    public static ClusterToken of(String token) {
        if (token.isBlank()) {
            throw new BatonException(
                    ErrorCode.CONFIGURATION,
                    "the cluster token is blank: set a long random one, or none",
                    "cluster.token");
        }
        return new ClusterToken(token.getBytes(StandardCharsets.UTF_8));
    }

    /** HMAC-SHA256 over a label (who proves) and fields of fixed length. */
    byte[] prove(String label, byte[]... fields) {
        try {
            Mac mac = Mac.getInstance("HmacSHA256");
            mac.init(new SecretKeySpec(secret, "HmacSHA256"));
            mac.update(label.getBytes(StandardCharsets.US_ASCII));
            for (byte[] field : fields) {
                mac.update(field);
            }
            return mac.doFinal();
        } catch (GeneralSecurityException e) {
            throw new IllegalStateException("every JDK has HmacSHA256", e);
        }
    }

    /** Compares in constant time. */
    static boolean same(byte[] expected, byte[] given) {
        return MessageDigest.isEqual(expected, given);
    }

    @Override
    public String toString() {
        return "ClusterToken[hidden]";
    }
}
