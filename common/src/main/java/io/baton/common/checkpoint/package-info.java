/**
 * Checkpoint folders as transformers writes them (config.json, tokenizer.json, safetensors), read
 * into the same names that GGUF files use, so that nothing else knows of two formats. Every file is
 * taken for hostile. Depends on the JDK, Jackson and io.baton.common.model; values are immutable.
 */
@NullMarked
package io.baton.common.checkpoint;

import org.jspecify.annotations.NullMarked;
