@NullMarked
package io.baton.kernels.entropy;

import org.jspecify.annotations.NullMarked;
