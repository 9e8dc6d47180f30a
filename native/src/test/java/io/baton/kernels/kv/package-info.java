@NullMarked
package io.baton.kernels.kv;

import org.jspecify.annotations.NullMarked;
