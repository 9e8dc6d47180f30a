package io.baton.common.worker;

/**
 * Where an attempt's events go, from its mailbox.
 *
 * @param <E> event of the role
 */
public interface Outlet<E> {
    /** Says one thing; nothing if the call is over. */
    void send(E event);

    /** Nothing follows. */
    void complete();
}
