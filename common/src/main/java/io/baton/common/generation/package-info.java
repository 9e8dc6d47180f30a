/**
 * What a generation request asks for and how its tokens are described, independent of HTTP and
 * gRPC. Immutable values.
 */
@NullMarked
package io.baton.common.generation;

import org.jspecify.annotations.NullMarked;
