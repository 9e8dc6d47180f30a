@NullMarked
package io.baton.kernels.cuda;

import org.jspecify.annotations.NullMarked;
