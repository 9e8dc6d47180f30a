package io.baton.kv.channel;

import io.baton.common.error.BatonException;
import io.baton.common.error.ErrorCode;
import io.baton.common.kv.KvDtype;
import io.baton.common.kv.KvLayout;
import java.nio.BufferUnderflowException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;

/**
 * A {@link Hello} and a list of codec ids as bytes: little-endian, strings as 16-bit length and
 * UTF-8. See docs/protocol.md.
 */
final class HelloFormat {
    private static final int MAX_STRING_BYTES = 1024;
    private static final int MAX_CODECS = 64;

    private HelloFormat() {}

    /** A hello with its codecs. */
    record Greeting(Hello hello, List<Integer> codecs) {}

    static byte[] encode(Greeting greeting) {
        ByteBuffer out = ByteBuffer.allocate(6 << 10).order(ByteOrder.LITTLE_ENDIAN);
        out.putShort((short) greeting.codecs().size());
        greeting.codecs().forEach(id -> out.putShort(id.shortValue()));
        Hello hello = greeting.hello();
        putString(out, hello.workerId());
        out.putLong(hello.incarnation());
        putString(out, hello.fingerprint());
        KvLayout layout = hello.layout();
        out.putInt(layout.layers()).putInt(layout.kvHeads()).putInt(layout.headDim());
        putString(out, layout.dtype().label());
        out.putInt(layout.blockTokens()).putInt(hello.chunkTokens()).putInt(hello.keyFormat());
        putString(out, hello.numericProfile());
        putString(out, hello.sameness());
        byte[] bytes = new byte[out.flip().remaining()];
        out.get(bytes);
        return bytes;
    }

    /**
     * @throws BatonException HANDSHAKE_MISMATCH if the bytes are not exactly one greeting
     */
    static Greeting decode(ByteBuffer in) {
        in.order(ByteOrder.LITTLE_ENDIAN);
        try {
            Greeting greeting = read(in);
            if (in.hasRemaining()) {
                throw malformed(in.remaining() + " bytes too many");
            }
            return greeting;
        } catch (BufferUnderflowException e) {
            throw malformed("it ends early");
        } catch (IllegalArgumentException | ArithmeticException e) {
            throw malformed(String.valueOf(e.getMessage()));
        }
    }

    private static Greeting read(ByteBuffer in) {
        int count = in.getShort() & 0xffff;
        if (count > MAX_CODECS) {
            throw malformed(count + " codecs, limit " + MAX_CODECS);
        }
        List<Integer> codecs = new ArrayList<>(count);
        for (int i = 0; i < count; i++) {
            codecs.add(in.getShort() & 0xffff);
        }
        String workerId = getString(in);
        long incarnation = in.getLong();
        String fingerprint = getString(in);
        int layers = in.getInt();
        int kvHeads = in.getInt();
        int headDim = in.getInt();
        KvDtype dtype = dtype(getString(in));
        KvLayout layout = new KvLayout(layers, kvHeads, headDim, dtype, in.getInt());
        int chunkTokens = in.getInt();
        int keyFormat = in.getInt();
        String numericProfile = getString(in);
        String sameness = getString(in);
        return new Greeting(
                new Hello(
                        workerId,
                        incarnation,
                        fingerprint,
                        layout,
                        chunkTokens,
                        keyFormat,
                        numericProfile,
                        sameness),
                codecs);
    }

    private static KvDtype dtype(String label) {
        for (KvDtype dtype : KvDtype.values()) {
            if (dtype.label().equals(label)) {
                return dtype;
            }
        }
        throw malformed("unknown KV dtype '" + label.replaceAll("\\p{Cntrl}", " ") + "'");
    }

    private static void putString(ByteBuffer out, String text) {
        byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
        if (bytes.length > MAX_STRING_BYTES) {
            throw new IllegalArgumentException(
                    "a field of the hello has %d bytes, limit %d"
                            .formatted(bytes.length, MAX_STRING_BYTES));
        }
        out.putShort((short) bytes.length).put(bytes);
    }

    private static String getString(ByteBuffer in) {
        int length = in.getShort() & 0xffff;
        if (length > MAX_STRING_BYTES) {
            throw malformed("a field of %d bytes, limit %d".formatted(length, MAX_STRING_BYTES));
        }
        byte[] bytes = new byte[length];
        in.get(bytes);
        return new String(bytes, StandardCharsets.UTF_8);
    }

    private static BatonException malformed(String what) {
        return new BatonException(
                ErrorCode.HANDSHAKE_MISMATCH,
                "the peer's hello is malformed: " + what + "; do both ends run one version?");
    }
}
