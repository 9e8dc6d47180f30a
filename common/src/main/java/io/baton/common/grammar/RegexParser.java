package io.baton.common.grammar;

import java.util.ArrayList;
import java.util.List;

/**
 * Reads regular expressions of ECMA-262's syntax (flag u), as JSON Schema's {@code pattern} has
 * them. What needs more than an automaton (back references, look-around, word boundaries) or
 * Unicode's property tables is refused by name. Laziness changes no language and is passed over.
 */
final class RegexParser {
    private static final CodePoints DIGIT = CodePoints.of('0', '9');
    private static final CodePoints WORD =
            DIGIT.or(CodePoints.of('a', 'z')).or(CodePoints.of('A', 'Z')).or(CodePoints.of("_"));
    private static final CodePoints SPACE =
            CodePoints.of("\t\n\u000b\f\r \u00a0\u1680\u2028\u2029\u202f\u205f\u3000\ufeff")
                    .or(CodePoints.of(0x2000, 0x200a));
    private static final CodePoints LINE_END = CodePoints.of("\n\r\u2028\u2029");

    private final int[] text;
    private int at;
    private int depth;

    private RegexParser(String source) {
        if (source.length() > GrammarLimits.MAX_REGEX_CHARACTERS) {
            throw Refusal.invalid(
                    "a regular expression of %d characters, at most %d are taken"
                            .formatted(source.length(), GrammarLimits.MAX_REGEX_CHARACTERS));
        }
        this.text = source.codePoints().toArray();
    }

    /** An expression that the whole text must match; anchors at its ends change nothing. */
    static Regex whole(String source) {
        return new RegexParser(source).parse(false);
    }

    /** An expression that must be found in the text, as JSON Schema's {@code pattern}. */
    static Regex found(String source) {
        return new RegexParser(source).parse(true);
    }

    private Regex parse(boolean search) {
        List<Regex> options = new ArrayList<>();
        do {
            options.add(branch(search));
        } while (take('|'));
        if (at < text.length) {
            throw error("an unmatched ')'");
        }
        return new Regex.Choice(options);
    }

    /** One of the outermost alternatives: only there anchors are taken. */
    private Regex branch(boolean search) {
        boolean start = take('^');
        List<Regex> parts = parts();
        boolean end = take('$');
        if (at < text.length && peek() != '|' && peek() != ')') {
            throw error("an anchor in the middle");
        }
        if (!search) {
            return new Regex.Concat(parts);
        }
        Regex anything = new Regex.Repeat(new Regex.Chars(CodePoints.ALL), 0, -1);
        Regex body = new Regex.Concat(parts);
        return Regex.concat(start ? Regex.EMPTY : anything, body, end ? Regex.EMPTY : anything);
    }

    private Regex alternatives() {
        List<Regex> options = new ArrayList<>();
        do {
            options.add(new Regex.Concat(parts()));
        } while (take('|'));
        return new Regex.Choice(options);
    }

    private List<Regex> parts() {
        List<Regex> parts = new ArrayList<>();
        while (at < text.length && peek() != '|' && peek() != ')') {
            if (peek() == '$' || peek() == '^') {
                if (depth == 0 && peek() == '$') {
                    return parts;
                }
                throw Refusal.unsupported(
                        "anchors are supported at the ends of a regular expression only, not at character %d"
                                .formatted(at));
            }
            parts.add(quantified(atom()));
        }
        return parts;
    }

    private Regex quantified(Regex atom) {
        Regex result = atom;
        int min;
        int max;
        if (take('*')) {
            min = 0;
            max = -1;
        } else if (take('+')) {
            min = 1;
            max = -1;
        } else if (take('?')) {
            min = 0;
            max = 1;
        } else if (at < text.length && peek() == '{') {
            at++;
            min = count();
            max = min;
            if (take(',')) {
                max = at < text.length && peek() != '}' ? count() : -1;
            }
            if (!take('}') || (max >= 0 && max < min)) {
                throw error("a bad repeat count; write {m}, {m,} or {m,n}");
            }
        } else {
            return result;
        }
        take('?');
        if (at < text.length && (peek() == '+' || peek() == '*' || peek() == '{')) {
            throw error("a quantifier after a quantifier (possessive ones are not supported)");
        }
        return new Regex.Repeat(result, min, max);
    }

    private int count() {
        int start = at;
        int value = 0;
        while (at < text.length && peek() >= '0' && peek() <= '9') {
            value = value * 10 + (text[at++] - '0');
            if (value > GrammarLimits.MAX_REPEAT) {
                throw Refusal.invalid(
                        "a repeat count above %d in a regular expression"
                                .formatted(GrammarLimits.MAX_REPEAT));
            }
        }
        if (at == start) {
            throw error("a bad repeat count; write {m}, {m,} or {m,n}");
        }
        return value;
    }

    private Regex atom() {
        int c = text[at++];
        return switch (c) {
            case '(' -> group();
            case '[' -> new Regex.Chars(charClass());
            case '.' -> new Regex.Chars(LINE_END.complement());
            case '\\' -> new Regex.Chars(escape(false));
            case '*', '+', '?', '{' -> throw error("a quantifier with nothing before it");
            default -> new Regex.Chars(CodePoints.of(c, c));
        };
    }

    private Regex group() {
        if (++depth > GrammarLimits.MAX_REGEX_DEPTH) {
            throw Refusal.invalid(
                    "groups of a regular expression nested deeper than %d"
                            .formatted(GrammarLimits.MAX_REGEX_DEPTH));
        }
        if (take('?')) {
            int kind = at < text.length ? text[at++] : -1;
            boolean named =
                    kind == '<' && at < text.length && peek() != '=' && peek() != '!'
                            || kind == 'P' && take('<');
            if (named) {
                while (at < text.length && peek() != '>') {
                    at++;
                }
                if (!take('>')) {
                    throw error("a group's name without an end");
                }
            } else if (kind != ':') {
                throw Refusal.unsupported(
                        "look-around and inline flags of regular expressions are not supported (character %d)"
                                .formatted(at - 1));
            }
        }
        Regex body = alternatives();
        if (!take(')')) {
            throw error("a group without its ')'");
        }
        depth--;
        return body;
    }

    private CodePoints charClass() {
        boolean negated = take('^');
        List<CodePoints> sets = new ArrayList<>();
        while (at < text.length && peek() != ']') {
            CodePoints first = classAtom();
            boolean range =
                    at + 1 < text.length && peek() == '-' && text[at + 1] != ']' && isOne(first);
            if (range) {
                at++;
                CodePoints last = classAtom();
                if (!isOne(last) || last.from(0) < first.from(0)) {
                    throw error("a bad range in a character class");
                }
                first = CodePoints.of(first.from(0), last.from(0));
            }
            sets.add(first);
        }
        if (!take(']')) {
            throw error("a character class without its ']'");
        }
        CodePoints set = CodePoints.any(sets);
        return negated ? set.complement() : set;
    }

    private static boolean isOne(CodePoints set) {
        return set.ranges() == 1 && set.from(0) == set.to(0);
    }

    private CodePoints classAtom() {
        int c = text[at++];
        return c == '\\' ? escape(true) : CodePoints.of(c, c);
    }

    private CodePoints escape(boolean inClass) {
        if (at == text.length) {
            throw error("a lone '\\' at the end");
        }
        int c = text[at++];
        return switch (c) {
            case 'd' -> DIGIT;
            case 'D' -> DIGIT.complement();
            case 'w' -> WORD;
            case 'W' -> WORD.complement();
            case 's' -> SPACE;
            case 'S' -> SPACE.complement();
            case 'n' -> CodePoints.of("\n");
            case 'r' -> CodePoints.of("\r");
            case 't' -> CodePoints.of("\t");
            case 'f' -> CodePoints.of("\f");
            case 'v' -> CodePoints.of("\u000b");
            case '0' -> CodePoints.of(0, 0);
            case 'x' -> hex(2);
            case 'u' -> unicode();
            case 'b' -> {
                if (inClass) {
                    yield CodePoints.of("\b");
                }
                throw Refusal.unsupported("word boundaries (\\b) are not supported");
            }
            case 'B' -> throw Refusal.unsupported("word boundaries (\\B) are not supported");
            case 'p', 'P' ->
                    throw Refusal.unsupported(
                            "Unicode properties (\\p) of regular expressions are not supported");
            default -> {
                if (c >= '1' && c <= '9' || c == 'k') {
                    throw Refusal.unsupported("back references are not supported");
                }
                if (WORD.and(CodePoints.of(c, c)).isEmpty()) {
                    yield CodePoints.of(c, c);
                }
                throw error("an unknown escape");
            }
        };
    }

    private CodePoints unicode() {
        if (take('{')) {
            int value = 0;
            int digits = 0;
            while (at < text.length && peek() != '}' && digits++ < 6) {
                value = value * 16 + digit(text[at++]);
            }
            if (!take('}') || digits == 0 || value > Character.MAX_CODE_POINT) {
                throw error("a bad \\u{...}");
            }
            return CodePoints.of(value, value);
        }
        CodePoints first = hex(4);
        if (!first.isEmpty()) {
            return first;
        }
        int high = value(at - 4, 4);
        if (high <= Character.MAX_HIGH_SURROGATE && take('\\') && take('u')) {
            int low = value(at, 4);
            at += 4;
            if (low >= Character.MIN_LOW_SURROGATE && low <= Character.MAX_LOW_SURROGATE) {
                int c = Character.toCodePoint((char) high, (char) low);
                return CodePoints.of(c, c);
            }
        }
        throw error("a lone surrogate");
    }

    private CodePoints hex(int digits) {
        int value = value(at, digits);
        at += digits;
        return CodePoints.of(value, value);
    }

    private int value(int from, int digits) {
        if (from + digits > text.length) {
            throw error("a bad escape");
        }
        int value = 0;
        for (int i = from; i < from + digits; i++) {
            value = value * 16 + digit(text[i]);
        }
        return value;
    }

    private int digit(int c) {
        int value = c < 128 ? Character.digit(c, 16) : -1;
        if (value < 0) {
            throw error("a bad hexadecimal digit");
        }
        return value;
    }

    private int peek() {
        return text[at];
    }

    private boolean take(int c) {
        if (at < text.length && text[at] == c) {
            at++;
            return true;
        }
        return false;
    }

    private Refusal error(String what) {
        return Refusal.invalid("the regular expression has %s at character %d".formatted(what, at));
    }
}
