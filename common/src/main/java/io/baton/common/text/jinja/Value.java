package io.baton.common.text.jinja;

import java.math.BigInteger;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** A value of the template language: Python's, as far as templates meet them. Immutable. */
sealed interface Value
        permits Value.None,
                Value.Undefined,
                Value.Bool,
                Value.Int,
                Value.Real,
                Value.Sequence,
                Value.View,
                Value.Callable,
                StrValue,
                DictValue,
                GeneratorValue,
                NamespaceValue,
                LoopValue {

    /** Python's name of the type, for error messages. */
    String typeName();

    /** Python's None. */
    enum None implements Value {
        NONE;

        @Override
        public String typeName() {
            return "NoneType";
        }
    }

    /**
     * What an unknown name or a missing member yields: prints as nothing, is false, and fails in
     * nearly every other use.
     *
     * @param owner what the member was looked for in; null for an unknown name
     * @param name the name that was looked for
     * @param reason the message of its use, where it is not the usual one
     */
    record Undefined(@Nullable Value owner, String name, @Nullable String reason) implements Value {
        static Undefined name(String name) {
            return new Undefined(null, name, null);
        }

        static Undefined because(String name, String reason) {
            return new Undefined(null, name, reason);
        }

        String message() {
            if (reason != null) {
                return reason;
            }
            if (owner == null) {
                return "'" + name + "' is undefined";
            }
            String what = owner == None.NONE ? "None" : "'" + owner.typeName() + " object'";
            return what + " has no attribute '" + name + "'";
        }

        @Override
        public String typeName() {
            return "Undefined";
        }
    }

    /** Python's bool: also a number. */
    enum Bool implements Value {
        FALSE,
        TRUE;

        static Bool of(boolean value) {
            return value ? TRUE : FALSE;
        }

        @Override
        public String typeName() {
            return "bool";
        }
    }

    /** Python's int, of any size up to {@link Operators#MAX_INT_BITS}. */
    record Int(BigInteger value) implements Value {
        static Int of(long value) {
            return new Int(BigInteger.valueOf(value));
        }

        @Override
        public String typeName() {
            return "int";
        }
    }

    /** Python's float. */
    record Real(double value) implements Value {
        @Override
        public String typeName() {
            return "float";
        }
    }

    /** Anything with items, a length and an index. */
    sealed interface Sequence extends Value {
        List<Value> items();
    }

    /** Python's list; nothing can change one. */
    record ListValue(List<Value> items) implements Sequence {
        @Override
        public String typeName() {
            return "list";
        }
    }

    /** Python's tuple. */
    record Tuple(List<Value> items) implements Sequence {
        static Tuple of(Value... items) {
            return new Tuple(List.of(items));
        }

        @Override
        public String typeName() {
            return "tuple";
        }
    }

    /**
     * Python's range.
     *
     * @param items its numbers
     * @param text how it prints
     */
    record Range(List<Value> items, String text) implements Sequence {
        @Override
        public String typeName() {
            return "range";
        }
    }

    /**
     * What {@code keys()}, {@code values()} and {@code items()} of a dict return: it can be walked
     * and measured, not indexed.
     */
    record View(String typeName, List<Value> items) implements Value {}

    /** A function, macro or method. */
    record Callable(String name, Body body) implements Value {
        /** What a call does. */
        @FunctionalInterface
        interface Body {
            Value call(Evaluator evaluator, Arguments arguments);
        }

        @Override
        public String typeName() {
            return "function";
        }
    }
}
