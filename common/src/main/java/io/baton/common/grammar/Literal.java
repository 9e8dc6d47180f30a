package io.baton.common.grammar;

/** One text, to the byte. Immutable; its maker has checked that it can be spelled. */
final class Literal implements Terminal {
    private final byte[] bytes;

    Literal(byte[] bytes) {
        this.bytes = bytes.clone();
    }

    @Override
    public int step(int state, int octet) {
        return state < bytes.length && (bytes[state] & 0xff) == octet ? state + 1 : DEAD;
    }

    @Override
    public boolean accepts(int state) {
        return state == bytes.length;
    }

    @Override
    public boolean goesOn(int state) {
        return state < bytes.length;
    }
}
