package io.baton.common.worker;

/** A running worker of any role, as the process around it sees it. Safe for any thread. */
public interface Worker extends AutoCloseable {
    /** Where routers reach it. */
    String controlAddress();

    /**
     * Takes nothing new and lets attempts in progress end.
     *
     * @return whether all had ended when the time was over
     */
    boolean drain(long nanos);

    /** Ends everything; attempts in progress are cancelled and their blocks freed. */
    @Override
    void close();
}
