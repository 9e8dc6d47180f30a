package io.baton.kv.transfer;

/**
 * @param payloadBytes KV bytes moved
 * @param frames frames moved
 * @param nanos from the first to the last frame
 * @param codingNanos time that coding took
 */
public record TransferStats(long payloadBytes, long frames, long nanos, long codingNanos) {}
