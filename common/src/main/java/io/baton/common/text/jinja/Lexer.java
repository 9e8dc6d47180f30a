package io.baton.common.text.jinja;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;

/**
 * Cuts a template into tokens: data with white space control applied (trim_blocks and lstrip_blocks
 * on, one last newline off, as transformers sets jinja2 up), and the tokens inside {@code {{ }}}
 * and {@code {% %}}.
 */
final class Lexer {
    private static final List<String> LONG_OPERATORS = List.of("//", "**", "==", "!=", ">=", "<=");
    private static final String OPERATORS = "+-/*%~[](){}><=.:|,;";

    private final String source;
    private final List<Token> tokens = new ArrayList<>();
    private final Deque<Character> open = new ArrayDeque<>();
    private int at;

    private Lexer(String source) {
        this.source = source;
    }

    /** The source with one kind of line end and without its last one: what offsets refer to. */
    static String normalized(String source) {
        String lines = source.replace("\r\n", "\n").replace('\r', '\n');
        return lines.endsWith("\n") ? lines.substring(0, lines.length() - 1) : lines;
    }

    /** Tokens of a {@link #normalized} source, an END last. */
    static List<Token> tokens(String source) {
        Lexer lexer = new Lexer(source);
        lexer.run();
        lexer.add(Token.Kind.END, "", source.length());
        return lexer.tokens;
    }

    private void run() {
        while (at < source.length()) {
            int tag = nextTag();
            if (tag < 0) {
                data(at, source.length());
                at = source.length();
                return;
            }
            char kind = source.charAt(tag + 1);
            char sign = sign(tag + 2);
            int rawEnd = kind == '%' ? rawBeginEnd(tag) : -1;
            data(at, dataEnd(at, tag, sign, kind == '{'));
            at = tag + (sign == ' ' ? 2 : 3);
            if (rawEnd >= 0) {
                at = rawEnd;
                raw(tag);
            } else if (kind == '#') {
                comment(tag);
            } else if (kind == '{') {
                add(Token.Kind.VARIABLE_BEGIN, "{{", tag);
                expression(tag, false);
            } else {
                add(Token.Kind.BLOCK_BEGIN, "{%", tag);
                expression(tag, true);
            }
        }
    }

    private int nextTag() {
        int from = at;
        while (true) {
            int brace = source.indexOf('{', from);
            if (brace < 0 || brace + 1 >= source.length()) {
                return -1;
            }
            char next = source.charAt(brace + 1);
            if (next == '{' || next == '%' || next == '#') {
                return brace;
            }
            from = brace + 1;
        }
    }

    private char sign(int position) {
        char c = position < source.length() ? source.charAt(position) : ' ';
        return c == '-' || c == '+' ? c : ' ';
    }

    /** Where the data before a tag ends, after the white space control of that tag. */
    private int dataEnd(int from, int tag, char sign, boolean variable) {
        if (sign == '-') {
            return PyText.trimEnd(source, from, tag);
        }
        if (sign == '+' || variable) {
            return tag;
        }
        int start = tag;
        while (start > from
                && source.charAt(start - 1) != '\n'
                && PyText.isSpace(source.charAt(start - 1))) {
            start--;
        }
        boolean lineStart = start == 0 || source.charAt(start - 1) == '\n';
        return lineStart ? start : tag;
    }

    private void data(int from, int to) {
        if (from < to) {
            add(Token.Kind.DATA, source.substring(from, to), from);
        }
    }

    /** Offset after {@code {% raw %}} at {@code tag}, or -1 if the tag is another one. */
    private int rawBeginEnd(int tag) {
        int position = tag + (sign(tag + 2) == ' ' ? 2 : 3);
        position = PyText.skipSpace(source, position);
        if (!source.startsWith("raw", position)) {
            return -1;
        }
        position = PyText.skipSpace(source, position + 3);
        if (source.startsWith("-%}", position)) {
            return PyText.skipSpace(source, position + 3);
        }
        return source.startsWith("%}", position) ? position + 2 : -1;
    }

    private void raw(int tag) {
        int from = at;
        int end = source.indexOf("{%", from);
        while (end >= 0) {
            char sign = sign(end + 2);
            int position = PyText.skipSpace(source, end + (sign == ' ' ? 2 : 3));
            if (source.startsWith("endraw", position)) {
                int close = blockEnd(PyText.skipSpace(source, position + 6));
                if (close >= 0) {
                    data(from, dataEnd(from, end, sign, false));
                    at = close;
                    return;
                }
            }
            end = source.indexOf("{%", end + 1);
        }
        throw TemplateFailure.syntax("Missing end of raw directive", tag);
    }

    private void comment(int tag) {
        int end = source.indexOf("#}", at);
        if (end < 0) {
            throw TemplateFailure.syntax("Missing end of comment tag", tag);
        }
        char before = end > at ? source.charAt(end - 1) : ' ';
        at = end + 2;
        if (before == '-') {
            at = PyText.skipSpace(source, at);
        } else if (before != '+' && at < source.length() && source.charAt(at) == '\n') {
            at++;
        }
    }

    /** Offset after the end of a block tag at {@code position}, or -1 if there is none. */
    private int blockEnd(int position) {
        if (source.startsWith("-%}", position)) {
            return PyText.skipSpace(source, position + 3);
        }
        if (source.startsWith("+%}", position)) {
            return position + 3;
        }
        if (source.startsWith("%}", position)) {
            int end = position + 2;
            return end < source.length() && source.charAt(end) == '\n' ? end + 1 : end;
        }
        return -1;
    }

    private int variableEnd(int position) {
        if (source.startsWith("-}}", position)) {
            return PyText.skipSpace(source, position + 3);
        }
        return source.startsWith("}}", position) ? position + 2 : -1;
    }

    private void expression(int tag, boolean block) {
        open.clear();
        while (at < source.length()) {
            int end = open.isEmpty() ? (block ? blockEnd(at) : variableEnd(at)) : -1;
            if (end >= 0) {
                add(block ? Token.Kind.BLOCK_END : Token.Kind.VARIABLE_END, "", at);
                at = end;
                return;
            }
            token();
        }
        throw TemplateFailure.syntax(
                "unexpected end of template, expected " + (block ? "'%}'" : "'}}'"), tag);
    }

    private void token() {
        char c = source.charAt(at);
        if (PyText.isSpace(c)) {
            at++;
        } else if (c >= '0' && c <= '9') {
            number();
        } else if (PyText.isWord(source.codePointAt(at))) {
            int end = at;
            while (end < source.length() && PyText.isWord(source.codePointAt(end))) {
                end += Character.charCount(source.codePointAt(end));
            }
            add(Token.Kind.NAME, source.substring(at, end), at);
            at = end;
        } else if (c == '\'' || c == '"') {
            string(c);
        } else {
            operator(c);
        }
    }

    private void number() {
        int start = at;
        NumberText number = NumberText.read(source, at);
        at = number.end();
        add(number.real() ? Token.Kind.FLOAT : Token.Kind.INTEGER, number.digits(), start);
    }

    private void string(char quote) {
        int end = at + 1;
        while (end < source.length() && source.charAt(end) != quote) {
            end += source.charAt(end) == '\\' ? 2 : 1;
        }
        if (end >= source.length()) {
            throw TemplateFailure.syntax("string without end", at);
        }
        add(Token.Kind.STRING, Escapes.decode(source.substring(at + 1, end), at + 1), at);
        at = end + 1;
    }

    private void operator(char c) {
        for (String sign : LONG_OPERATORS) {
            if (source.startsWith(sign, at)) {
                add(Token.Kind.OPERATOR, sign, at);
                at += 2;
                return;
            }
        }
        if (OPERATORS.indexOf(c) < 0) {
            throw TemplateFailure.syntax("unexpected char '" + c + "'", at);
        }
        balance(c);
        add(Token.Kind.OPERATOR, String.valueOf(c), at);
        at++;
    }

    private void balance(char c) {
        switch (c) {
            case '(' -> open.push(')');
            case '[' -> open.push(']');
            case '{' -> open.push('}');
            case ')', ']', '}' -> {
                Character expected = open.poll();
                if (expected == null) {
                    throw TemplateFailure.syntax("unexpected '" + c + "'", at);
                }
                if (expected != c) {
                    throw TemplateFailure.syntax(
                            "unexpected '" + c + "', expected '" + expected + "'", at);
                }
            }
            default -> {}
        }
    }

    private void add(Token.Kind kind, String text, int position) {
        tokens.add(new Token(kind, text, position));
    }
}
