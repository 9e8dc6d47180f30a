@org.jspecify.annotations.NullMarked
package io.baton.bench.coder;
