package io.baton.kv.adapt;

/**
 * One way to send KV: a codec at a level.
 *
 * @param name for ledgers, such as {@code raw} or {@code klt:2}
 * @param ratio raw bytes to coded bytes
 * @param encodeBytesPerSecond raw bytes that the sender codes in a second; infinite where nothing
 *     is to be done
 * @param decodeBytesPerSecond raw bytes that the receiver decodes in a second
 */
public record Rung(
        String name, double ratio, double encodeBytesPerSecond, double decodeBytesPerSecond) {
    public Rung {
        if (!(ratio > 0) || !(encodeBytesPerSecond > 0) || !(decodeBytesPerSecond > 0)) {
            throw new IllegalArgumentException(
                    "rung %s: ratio %s, encode %s, decode %s must be above 0"
                            .formatted(name, ratio, encodeBytesPerSecond, decodeBytesPerSecond));
        }
    }

    /** A rung that moves the bytes as they are. */
    public static Rung raw(String name) {
        return new Rung(name, 1, Double.POSITIVE_INFINITY, Double.POSITIVE_INFINITY);
    }

    double codedBytes(double rawBytes) {
        return rawBytes / ratio;
    }

    double encodeNanos(double rawBytes) {
        return rawBytes / encodeBytesPerSecond * 1e9;
    }

    double decodeNanos(double rawBytes) {
        return rawBytes / decodeBytesPerSecond * 1e9;
    }
}
