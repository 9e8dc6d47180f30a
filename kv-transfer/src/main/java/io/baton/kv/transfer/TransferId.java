package io.baton.kv.transfer;

/**
 * Which transfer a frame belongs to. A frame whose id, epoch or incarnation is not that of a live
 * transfer changes nothing.
 *
 * @param transfer random 64-bit number made by the receiver for each ticket
 * @param epoch the request's attempt, from 1
 * @param incarnation the receiving worker's incarnation (boot number)
 */
public record TransferId(long transfer, int epoch, long incarnation) {}
