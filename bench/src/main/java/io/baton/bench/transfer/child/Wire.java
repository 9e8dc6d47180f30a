package io.baton.bench.transfer.child;

/**
 * One way to move a load from one process to another; each process has its own of the same kind.
 */
interface Wire extends AutoCloseable {
    /** Receiving process: where it can be reached. */
    String listen() throws Exception;

    /** Receiving process: gets ready for a load. */
    void expect(Load load) throws Exception;

    /** Receiving process: waits until all of it is in its place; the moment of the last byte. */
    long awaitEnd() throws Exception;

    /** Sending process: sends it all; the moment before the first byte. */
    long send(String url, Load load) throws Exception;

    /** Sending process: nanoseconds of each of so many questions of 8 bytes with an answer of 8. */
    long[] roundTrips(String url, int count) throws Exception;

    @Override
    void close();
}
