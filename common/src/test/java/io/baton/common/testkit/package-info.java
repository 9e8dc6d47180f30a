/** The test kit of all rooms: virtual time, fakes and tiny models. */
@NullMarked
package io.baton.common.testkit;

import org.jspecify.annotations.NullMarked;
