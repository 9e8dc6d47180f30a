/**
 * The OpenAI surface as data: requests parsed strictly from bytes, answers and errors written as
 * JSON. The router, the command line and the bench share it. Depends on Jackson and the rest of
 * {@code common}; knows nothing of HTTP. Everything is immutable or stateless and safe for any
 * thread.
 *
 * <p>{@link io.baton.common.openai.RequestFields} is the one table of request fields: it decides
 * what is honoured, tolerated or refused, and docs/api.md is generated from it.
 */
@NullMarked
package io.baton.common.openai;

import org.jspecify.annotations.NullMarked;
