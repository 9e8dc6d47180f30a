/**
 * Makes a model's KV profile, which lossy codecs need, of texts that it runs. Depends on the engine
 * and on kv-transfer's codecs. One thread.
 */
@NullMarked
package io.baton.prefiller.profile;

import org.jspecify.annotations.NullMarked;
