@org.jspecify.annotations.NullMarked
package io.baton.kv.adapt;
