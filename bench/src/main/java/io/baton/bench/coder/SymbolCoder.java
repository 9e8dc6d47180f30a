package io.baton.bench.coder;

/** A coder of symbols, with all that a receiver must know counted in what it writes. One thread. */
interface SymbolCoder extends AutoCloseable {
    /** For rows of results. */
    String name();

    /** The most bytes of a coding. */
    int mostBytes(Quantised quantised);

    /**
     * Codes the symbols.
     *
     * @param out {@link #mostBytes}
     * @return bytes that were written
     */
    int encode(Quantised quantised, byte[] out);

    /**
     * Decodes what {@link #encode} wrote.
     *
     * @param shape whose rows and columns hold
     * @param symbols room for them
     */
    void decode(byte[] in, int bytes, Quantised shape, byte[] symbols);

    /** Frees native memory, if there is some. */
    @Override
    default void close() {}
}
