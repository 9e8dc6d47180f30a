package io.baton.common.text;

import java.text.Normalizer;

/**
 * Changes each fragment before another encoder takes it: brings it to Unicode's form C, or puts a
 * space before it. Fragments that need nothing go through as they are.
 *
 * @param nfc whether text is brought to form C
 */
record PreparingEncoder(FragmentEncoder encoder, boolean nfc, SpacePrefix prefix)
        implements FragmentEncoder {
    @Override
    public Session start(String text) {
        Session whole = encoder.start(text);
        return (from, to, afterSpecial, out) -> {
            String fragment = text.substring(from, to);
            String prepared =
                    nfc && !Normalizer.isNormalized(fragment, Normalizer.Form.NFC)
                            ? Normalizer.normalize(fragment, Normalizer.Form.NFC)
                            : fragment;
            if (afterSpecial && prefix.applies(text, from)) {
                prepared = " " + prepared;
            }
            if (prepared.equals(fragment)) {
                whole.encode(from, to, afterSpecial, out);
            } else {
                encoder.start(prepared).encode(0, prepared.length(), afterSpecial, out);
            }
        };
    }
}
