/**
 * The router: {@link io.baton.router.RouterServer} puts its rooms together. {@code http} takes
 * requests, {@code dispatch} runs them, {@code route} decides, {@code registry} knows who is alive,
 * {@code admin} shows it. This package is the composition root: clocks, random sources, threads and
 * sockets begin here.
 */
@NullMarked
package io.baton.router;

import org.jspecify.annotations.NullMarked;
