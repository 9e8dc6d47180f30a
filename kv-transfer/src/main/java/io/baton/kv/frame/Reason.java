package io.baton.kv.frame;

import io.baton.common.error.BatonException;
import io.baton.common.error.ErrorCode;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;

/**
 * An error as the payload of REFUSED, ABORT and CLOSED: the code's wire name, a line feed, the
 * message; UTF-8, at most {@link FrameHeader#MAX_TEXT_BYTES}.
 */
public final class Reason {
    private Reason() {}

    /** The payload; a message that is too long is cut. */
    public static byte[] encode(BatonException reason) {
        byte[] bytes =
                (reason.code().code() + '\n' + reason.text()).getBytes(StandardCharsets.UTF_8);
        return bytes.length <= FrameHeader.MAX_TEXT_BYTES
                ? bytes
                : Arrays.copyOf(bytes, FrameHeader.MAX_TEXT_BYTES);
    }

    /** The error in a payload. Control characters become spaces: the text may reach a log. */
    public static BatonException decode(byte[] payload) {
        String text = new String(payload, StandardCharsets.UTF_8);
        int lineFeed = text.indexOf('\n');
        ErrorCode code =
                lineFeed < 0
                        ? ErrorCode.KV_TRANSFER_FAILED
                        : ErrorCode.ofWire(text.substring(0, lineFeed));
        String message = text.substring(lineFeed + 1).replaceAll("\\p{Cntrl}", " ").strip();
        return new BatonException(code, message);
    }
}
