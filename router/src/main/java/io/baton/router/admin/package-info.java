/**
 * What operators look at: workers and request ledgers as JSON. Depends on {@code router.registry}
 * and {@code router.dispatch}; stateless.
 */
@NullMarked
package io.baton.router.admin;

import org.jspecify.annotations.NullMarked;
