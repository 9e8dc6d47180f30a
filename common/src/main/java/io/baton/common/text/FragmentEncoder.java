package io.baton.common.text;

/**
 * Turns text without special tokens into token ids. Immutable; safe for any thread; its sessions
 * are not.
 */
sealed interface FragmentEncoder permits BytePairEncoder, SentencePieceEncoder, PreparingEncoder {
    /** Starts encoding fragments of one text, which holds no lone surrogate. */
    Session start(String text);

    /** Encodes fragments of one text; owned by one thread. */
    interface Session {
        /**
         * Appends the ids of {@code [from, to)}, not empty.
         *
         * @param afterSpecial whether the fragment starts the text or follows a special token
         */
        void encode(int from, int to, boolean afterSpecial, TokenList out);
    }
}
