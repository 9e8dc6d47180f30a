/**
 * Configuration: one table of settings, from which come the typed values, environment names, flags,
 * the documentation and the schema. Depends on the JDK, Jackson and the error types. Everything is
 * immutable and safe for any thread.
 */
@NullMarked
package io.baton.common.config;

import org.jspecify.annotations.NullMarked;
