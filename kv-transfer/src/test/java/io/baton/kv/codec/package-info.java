@NullMarked
package io.baton.kv.codec;

import org.jspecify.annotations.NullMarked;
