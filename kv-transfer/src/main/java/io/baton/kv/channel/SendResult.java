package io.baton.kv.channel;

/** The normal answers of a send. Exceptions are for programming errors. */
public enum SendResult {
    /** Taken: the bytes were copied or sent, the caller's memory is free again. */
    OK,
    /** Queue full: nothing was taken; try again when the channel is writable. */
    BACK_PRESSURED,
    /**
     * The peer is gone or the transfer was ended by the receiver; nothing will ever be taken again.
     */
    CLOSED
}
