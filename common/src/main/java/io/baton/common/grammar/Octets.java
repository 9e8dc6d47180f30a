package io.baton.common.grammar;

import io.baton.common.text.Tokenizer;
import java.util.BitSet;

/**
 * The bytes that a vocabulary can spell one by one: whatever else its tokens are, an answer can
 * always go on byte by byte. Immutable.
 */
final class Octets {
    /** In no UTF-8 text: stands around the name of a control token. */
    static final int CONTROL_MARK = 0xff;

    private final BitSet spelled;

    private Octets(BitSet spelled) {
        this.spelled = spelled;
    }

    static Octets all() {
        BitSet spelled = new BitSet(256);
        spelled.set(0, 256);
        return new Octets(spelled);
    }

    static Octets of(Tokenizer tokenizer) {
        BitSet spelled = new BitSet(256);
        for (int token = 0; token < tokenizer.vocabSize(); token++) {
            if (!tokenizer.isControl(token)) {
                byte[] bytes = tokenizer.bytes(token);
                if (bytes.length == 1) {
                    spelled.set(bytes[0] & 0xff);
                }
            }
        }
        return new Octets(spelled);
    }

    boolean contains(int octet) {
        return spelled.get(octet);
    }
}
