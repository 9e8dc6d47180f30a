/**
 * The codec {@code klt}: transform coding of KV in the metric of attention. {@link
 * io.baton.kv.codec.klt.KltStatistics} and {@link io.baton.kv.codec.klt.KltTables} make a model's
 * {@link io.baton.kv.codec.klt.KltProfile} of what its attention works on; {@link
 * io.baton.kv.codec.klt.KltCodec} codes with it. Depends on the kernels' entropy coder and head
 * transform. Profiles are immutable and the codec has no state; what makes profiles belongs to one
 * thread.
 */
@NullMarked
package io.baton.kv.codec.klt;

import org.jspecify.annotations.NullMarked;
