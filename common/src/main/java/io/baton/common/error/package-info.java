/**
 * The errors that Baton reports: one closed list of codes, one exception that carries them. Depends
 * on nothing; immutable.
 */
@NullMarked
package io.baton.common.error;

import org.jspecify.annotations.NullMarked;
