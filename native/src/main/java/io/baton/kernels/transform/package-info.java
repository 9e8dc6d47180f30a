/**
 * Linear transforms of heads of keys and values, the kernels of the codec {@code klt}: an
 * interface, its plain Java and its C, which give the same bits. Depends on {@code
 * io.baton.common.kv}; no state, any thread.
 */
@NullMarked
package io.baton.kernels.transform;

import org.jspecify.annotations.NullMarked;
