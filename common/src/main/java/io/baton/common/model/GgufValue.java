package io.baton.common.model;

/**
 * Where a metadata value lies in the file; it is decoded when asked for.
 *
 * @param type of the value
 * @param element type of an array's elements; {@code type} itself where it is no array
 * @param offset of the value's bytes: for a string its length field, for an array its first element
 * @param count elements of an array, else 1
 * @param end offset of the first byte after it
 */
record GgufValue(GgufValueType type, GgufValueType element, long offset, long count, long end) {
    boolean isArray() {
        return type == GgufValueType.ARRAY;
    }

    String label() {
        return isArray() ? "array of " + element.label() : type.label();
    }
}
