package io.baton.kv.channel;

import io.baton.common.error.BatonException;
import io.baton.common.error.ErrorCode;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.KeyFactory;
import java.security.KeyStore;
import java.security.PrivateKey;
import java.security.cert.Certificate;
import java.security.cert.CertificateFactory;
import java.security.spec.InvalidKeySpecException;
import java.security.spec.PKCS8EncodedKeySpec;
import java.util.Base64;
import java.util.Collection;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import javax.net.ssl.KeyManagerFactory;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLEngine;
import javax.net.ssl.TrustManagerFactory;

/**
 * TLS 1.3 with certificates on both sides. Who has a certificate of the authority belongs to the
 * cluster; names in certificates are not looked at, so the authority should be the cluster's own.
 * Files are read once.
 */
public final class ChannelTls {
    private static final long MAX_FILE_BYTES = 1 << 20;
    private static final String[] PROTOCOLS = {"TLSv1.3"};
    private static final List<String> KEY_KINDS = List.of("EC", "RSA", "EdDSA");
    private static final Pattern KEY =
            Pattern.compile(
                    "-----BEGIN PRIVATE KEY-----([A-Za-z0-9+/=\\s]+)-----END PRIVATE KEY-----");

    private final SSLContext context;

    private ChannelTls(SSLContext context) {
        this.context = context;
    }

    /**
     * Reads PEM files.
     *
     * @param certificate this worker's, then those between it and the authority
     * @param key of the certificate, PKCS#8, not encrypted
     * @param authority certificates that the other side's must come from
     * @throws BatonException CONFIGURATION if one cannot be read or used; the message names it
     */
    public static ChannelTls of(Path certificate, Path key, Path authority) {
        char[] none = new char[0];
        try {
            Certificate[] chain =
                    certificates(certificate, "kv.tls.certificate").toArray(new Certificate[0]);
            KeyStore own = KeyStore.getInstance("PKCS12");
            own.load(null, none);
            own.setKeyEntry("worker", key(key), none, chain);
            KeyManagerFactory keys = KeyManagerFactory.getInstance("PKIX");
            keys.init(own, none);

            KeyStore trusted = KeyStore.getInstance("PKCS12");
            trusted.load(null, none);
            int number = 0;
            for (Certificate one : certificates(authority, "kv.tls.ca")) {
                trusted.setCertificateEntry("authority-" + number++, one);
            }
            TrustManagerFactory trust = TrustManagerFactory.getInstance("PKIX");
            trust.init(trusted);

            SSLContext context = SSLContext.getInstance("TLSv1.3");
            context.init(keys.getKeyManagers(), trust.getTrustManagers(), null);
            return new ChannelTls(context);
        } catch (GeneralSecurityException | IOException e) {
            throw wrong("the TLS files cannot be used: " + e.getMessage(), "kv.tls.key", e);
        }
    }

    private static Collection<? extends Certificate> certificates(Path file, String setting)
            throws GeneralSecurityException {
        byte[] text = read(file, setting);
        try {
            Collection<? extends Certificate> all =
                    CertificateFactory.getInstance("X.509")
                            .generateCertificates(new ByteArrayInputStream(text));
            if (all.isEmpty()) {
                throw wrong(file + " holds no certificate", setting, null);
            }
            return all;
        } catch (java.security.cert.CertificateException e) {
            throw wrong(file + " holds no PEM certificates: " + e.getMessage(), setting, e);
        }
    }

    private static PrivateKey key(Path file) throws GeneralSecurityException {
        String setting = "kv.tls.key";
        Matcher pem = KEY.matcher(new String(read(file, setting), StandardCharsets.US_ASCII));
        if (!pem.find()) {
            throw wrong(
                    file
                            + " holds no 'BEGIN PRIVATE KEY' (PKCS#8, not encrypted); make one with:"
                            + " openssl pkcs8 -topk8 -nocrypt",
                    setting,
                    null);
        }
        PKCS8EncodedKeySpec spec;
        try {
            spec = new PKCS8EncodedKeySpec(Base64.getMimeDecoder().decode(pem.group(1)));
        } catch (IllegalArgumentException e) {
            throw wrong(file + " is no PEM file: " + e.getMessage(), setting, e);
        }
        for (String kind : KEY_KINDS) {
            try {
                return KeyFactory.getInstance(kind).generatePrivate(spec);
            } catch (InvalidKeySpecException e) {
                // A key of another kind: the next may take it.
                continue;
            }
        }
        throw wrong(file + " holds no key of " + KEY_KINDS, setting, null);
    }

    private static byte[] read(Path file, String setting) {
        try {
            if (Files.size(file) > MAX_FILE_BYTES) {
                throw wrong(file + " is longer than " + MAX_FILE_BYTES + " bytes", setting, null);
            }
            return Files.readAllBytes(file);
        } catch (IOException e) {
            throw wrong("cannot read " + file + ": " + e.getMessage(), setting, e);
        }
    }

    private static BatonException wrong(
            String message, String setting, @org.jspecify.annotations.Nullable Exception cause) {
        return new BatonException(ErrorCode.CONFIGURATION, message, setting, cause);
    }

    /** One side of a new connection. */
    SSLEngine engine(boolean connects) {
        SSLEngine engine = context.createSSLEngine();
        engine.setEnabledProtocols(PROTOCOLS);
        engine.setUseClientMode(connects);
        if (!connects) {
            engine.setNeedClientAuth(true);
        }
        return engine;
    }
}
