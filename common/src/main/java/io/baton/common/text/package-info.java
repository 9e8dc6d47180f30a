/**
 * Text to tokens and back: tokenizers read from a model file's own metadata, streaming-safe
 * decoding, stop strings. Tokenizers are immutable and safe for any thread; streams are not.
 */
@NullMarked
package io.baton.common.text;

import org.jspecify.annotations.NullMarked;
