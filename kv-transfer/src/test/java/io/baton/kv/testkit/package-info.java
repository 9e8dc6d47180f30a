/**
 * What tests of this module share: shapes and bytes, a destination that watches its contract, and a
 * proxy that does to a connection what networks do.
 */
package io.baton.kv.testkit;
