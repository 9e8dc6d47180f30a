/**
 * The OpenAI endpoint on Vert.x: limits, authentication, parsing, answers and server-sent events.
 *
 * <p>Threads: Vert.x event loops move bytes and never block; each request's logic runs on a virtual
 * thread of its own, which writes back through the request's context.
 */
@NullMarked
package io.baton.router.http;

import org.jspecify.annotations.NullMarked;
