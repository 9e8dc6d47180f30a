package io.baton.common.grammar;

import java.nio.charset.StandardCharsets;
import java.util.Iterator;
import tools.jackson.databind.JsonNode;

/** How JSON values that are known beforehand are written, to the byte. */
final class JsonWriting {
    private JsonWriting() {}

    /** The one way in which a character that must be escaped is. */
    static String escape(int c) {
        return switch (c) {
            case '"' -> "\\\"";
            case '\\' -> "\\\\";
            case '\b' -> "\\b";
            case '\f' -> "\\f";
            case '\n' -> "\\n";
            case '\r' -> "\\r";
            case '\t' -> "\\t";
            default -> "\\u%04x".formatted(c);
        };
    }

    /** A string with its quotes. */
    static String quoted(String text) {
        StringBuilder out = new StringBuilder(text.length() + 2).append('"');
        for (int i = 0; i < text.length(); i++) {
            char c = text.charAt(i);
            boolean lone =
                    Character.isSurrogate(c)
                            && !(Character.isHighSurrogate(c)
                                    && i + 1 < text.length()
                                    && Character.isLowSurrogate(text.charAt(i + 1)))
                            && !(Character.isLowSurrogate(c)
                                    && i > 0
                                    && Character.isHighSurrogate(text.charAt(i - 1)));
            if (c < 0x20 || c == '"' || c == '\\') {
                out.append(escape(c));
            } else if (lone) {
                throw Refusal.invalid("a string with a lone surrogate cannot be written");
            } else {
                out.append(c);
            }
        }
        return out.append('"').toString();
    }

    /** A value on one line, with a space after each comma and colon. */
    static String value(JsonNode node) {
        StringBuilder out = new StringBuilder();
        write(node, out);
        return out.toString();
    }

    static byte[] utf8(String text) {
        return text.getBytes(StandardCharsets.UTF_8);
    }

    private static void write(JsonNode node, StringBuilder out) {
        if (node.isString()) {
            out.append(quoted(node.stringValue()));
        } else if (node.isObject()) {
            out.append('{');
            String separator = "";
            for (var entry : node.properties()) {
                out.append(separator).append(quoted(entry.getKey())).append(": ");
                write(entry.getValue(), out);
                separator = ", ";
            }
            out.append('}');
        } else if (node.isArray()) {
            out.append('[');
            for (Iterator<JsonNode> i = node.iterator(); i.hasNext(); ) {
                write(i.next(), out);
                out.append(i.hasNext() ? ", " : "");
            }
            out.append(']');
        } else {
            out.append(node.toString());
        }
    }
}
