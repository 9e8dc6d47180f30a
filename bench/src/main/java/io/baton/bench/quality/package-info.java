/**
 * What loss in KV does to answers: prefixes of real texts are coded and decoded, and the tokens
 * that follow scored beside the exact model. Depends on the engine and on kv-transfer's codecs. One
 * thread drives; coding and scoring use all.
 */
@NullMarked
package io.baton.bench.quality;

import org.jspecify.annotations.NullMarked;
