package io.baton.common.text;

import io.baton.common.error.BatonException;
import io.baton.common.error.ErrorCode;

/** UTF-8 of one code point, and the check that a text has any. */
final class Utf8 {
    private Utf8() {}

    /** Writes a code point that is no surrogate; returns the number of bytes, 1 to 4. */
    static int encode(int codePoint, byte[] to) {
        if (codePoint < 0x80) {
            to[0] = (byte) codePoint;
            return 1;
        }
        if (codePoint < 0x800) {
            to[0] = (byte) (0xC0 | codePoint >> 6);
            to[1] = (byte) (0x80 | codePoint & 0x3F);
            return 2;
        }
        if (codePoint < 0x10000) {
            to[0] = (byte) (0xE0 | codePoint >> 12);
            to[1] = (byte) (0x80 | codePoint >> 6 & 0x3F);
            to[2] = (byte) (0x80 | codePoint & 0x3F);
            return 3;
        }
        to[0] = (byte) (0xF0 | codePoint >> 18);
        to[1] = (byte) (0x80 | codePoint >> 12 & 0x3F);
        to[2] = (byte) (0x80 | codePoint >> 6 & 0x3F);
        to[3] = (byte) (0x80 | codePoint & 0x3F);
        return 4;
    }

    /**
     * Refuses text that UTF-8 cannot hold.
     *
     * @throws BatonException INVALID_VALUE, naming the place of a lone surrogate
     */
    static void requireEncodable(String text) {
        for (int i = 0; i < text.length(); i++) {
            char c = text.charAt(i);
            if (!Character.isSurrogate(c)) {
                continue;
            }
            if (Character.isHighSurrogate(c)
                    && i + 1 < text.length()
                    && Character.isLowSurrogate(text.charAt(i + 1))) {
                i++;
            } else {
                throw new BatonException(
                        ErrorCode.INVALID_VALUE,
                        ("the text holds a lone surrogate U+%04X at UTF-16 offset %d, which is no"
                                        + " character; send valid Unicode")
                                .formatted((int) c, i));
            }
        }
    }
}
