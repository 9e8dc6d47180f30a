package io.baton.kv.adapt;

/** What is to be done with the next chunk, and why. */
public sealed interface Choice {
    /** Why, as data. */
    Reason reason();

    /** Send it on this rung. */
    record Send(int rung, Reason reason) implements Choice {}

    /** Send nothing more: the receiver computes what it has not got. */
    record Text(Reason reason) implements Choice {}
}
