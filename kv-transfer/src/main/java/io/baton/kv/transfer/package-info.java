/**
 * One sequence's KV on its way from a prefiller to a decoder: a sender that is fed layer by layer,
 * a receiver that places verified parts and knows when all are there. Joins frames to channels;
 * knows nothing of engines or gRPC.
 */
@NullMarked
package io.baton.kv.transfer;

import org.jspecify.annotations.NullMarked;
