/**
 * Entropy coders beside each other on the same quantised KV: CacheGen's own, zstd, lz4, and the
 * rANS of Baton's codecs. May use kv.codec, kernels, zstd-jni and lz4-java. One thread.
 */
@NullMarked
package io.baton.bench.coder;

import org.jspecify.annotations.NullMarked;
