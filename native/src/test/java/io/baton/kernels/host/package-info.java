@NullMarked
package io.baton.kernels.host;

import org.jspecify.annotations.NullMarked;
