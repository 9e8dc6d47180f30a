/**
 * A small OpenAI client for measuring and for the terminal: it keeps the time of every event. JDK
 * HTTP client only. Safe for any thread; each call blocks its own.
 */
@NullMarked
package io.baton.bench.client;

import org.jspecify.annotations.NullMarked;
