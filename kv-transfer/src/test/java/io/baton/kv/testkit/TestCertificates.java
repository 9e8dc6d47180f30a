package io.baton.kv.testkit;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.math.BigInteger;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.KeyPair;
import java.security.KeyPairGenerator;
import java.security.Signature;
import java.security.spec.ECGenParameterSpec;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.util.Base64;
import java.util.HexFormat;

/** A certificate authority for tests: X.509 v3 by hand (RFC 5280), keys on P-256. */
public final class TestCertificates {
    private static final byte[] ECDSA_WITH_SHA256 =
            sequence(HexFormat.of().parseHex("06082a8648ce3d040302"));
    private static final byte[] COMMON_NAME = HexFormat.of().parseHex("0603550403");
    private static final byte[] IS_AUTHORITY =
            HexFormat.of().parseHex("30120603551d130101ff040830060101ff020100");
    private static final DateTimeFormatter TIME =
            DateTimeFormatter.ofPattern("yyyyMMddHHmmss'Z'").withZone(ZoneOffset.UTC);

    /** PEM files of one worker. */
    public record Files3(Path certificate, Path key, Path authority) {}

    private final String name;
    private final KeyPair keys = keys();
    private int serial = 1;

    public TestCertificates(String name) {
        this.name = name;
    }

    /** A worker's files, valid from an hour ago for {@code left}, which may be negative. */
    public Files3 worker(Path folder, String worker, Duration left) throws IOException {
        KeyPair own = keys();
        Files.createDirectories(folder);
        return new Files3(
                write(folder, worker + ".pem", "CERTIFICATE", sign(worker, own, left, false)),
                write(folder, worker + ".key", "PRIVATE KEY", own.getPrivate().getEncoded()),
                write(
                        folder,
                        name + ".pem",
                        "CERTIFICATE",
                        sign(name, keys, Duration.ofDays(1), true)));
    }

    private byte[] sign(String subject, KeyPair own, Duration left, boolean authority) {
        Instant now = Instant.now();
        byte[] toSign =
                sequence(
                        tag(0xa0, HexFormat.of().parseHex("020102")),
                        tag(0x02, BigInteger.valueOf(serial++).toByteArray()),
                        ECDSA_WITH_SHA256,
                        name(name),
                        sequence(time(now.minus(Duration.ofHours(1))), time(now.plus(left))),
                        name(subject),
                        own.getPublic().getEncoded(),
                        authority ? tag(0xa3, sequence(IS_AUTHORITY)) : new byte[0]);
        try {
            Signature signature = Signature.getInstance("SHA256withECDSA");
            signature.initSign(keys.getPrivate());
            signature.update(toSign);
            return sequence(
                    toSign, ECDSA_WITH_SHA256, tag(0x03, join(new byte[1], signature.sign())));
        } catch (GeneralSecurityException e) {
            throw new IllegalStateException(e);
        }
    }

    private static KeyPair keys() {
        try {
            KeyPairGenerator generator = KeyPairGenerator.getInstance("EC");
            generator.initialize(new ECGenParameterSpec("secp256r1"));
            return generator.generateKeyPair();
        } catch (GeneralSecurityException e) {
            throw new IllegalStateException(e);
        }
    }

    private static Path write(Path folder, String file, String kind, byte[] der)
            throws IOException {
        String body = Base64.getMimeEncoder(64, new byte[] {'\n'}).encodeToString(der);
        return Files.writeString(
                folder.resolve(file),
                "-----BEGIN %s-----%n%s%n-----END %s-----%n".formatted(kind, body, kind));
    }

    private static byte[] name(String text) {
        byte[] value = tag(0x0c, text.getBytes(StandardCharsets.UTF_8));
        return sequence(tag(0x31, sequence(COMMON_NAME, value)));
    }

    private static byte[] time(Instant time) {
        return tag(0x18, TIME.format(time).getBytes(StandardCharsets.US_ASCII));
    }

    private static byte[] sequence(byte[]... parts) {
        return tag(0x30, join(parts));
    }

    private static byte[] tag(int tag, byte[] content) {
        int size = content.length;
        byte[] length =
                size < 128
                        ? new byte[] {(byte) size}
                        : size < 256
                                ? new byte[] {(byte) 0x81, (byte) size}
                                : new byte[] {(byte) 0x82, (byte) (size >> 8), (byte) size};
        return join(new byte[] {(byte) tag}, length, content);
    }

    private static byte[] join(byte[]... parts) {
        ByteArrayOutputStream all = new ByteArrayOutputStream();
        for (byte[] part : parts) {
            all.writeBytes(part);
        }
        return all.toByteArray();
    }
}
