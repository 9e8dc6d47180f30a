/**
 * Model files: GGUF read by memory map with checked arithmetic, the catalogue, pulling, RoPE
 * tables. Every file is taken for hostile. Depends on the JDK and Jackson; values are immutable.
 */
@NullMarked
package io.baton.common.model;

import org.jspecify.annotations.NullMarked;
