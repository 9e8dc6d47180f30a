/** Workers that act from scripts, over real gRPC on loopback. */
@NullMarked
package io.baton.router.fake;

import org.jspecify.annotations.NullMarked;
