package io.baton.common.grammar;

import io.baton.common.text.Tokenizer;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Makes terminals for one vocabulary. Those that every schema uses are shared by all, so that their
 * masks are made once; those of one constraint are counted against its budget. An object for one
 * constraint belongs to one thread; what is shared is immutable.
 */
final class Terminals {
    /** White space between parts: none, a space, or a new line with its indentation. */
    private static final String GAP = "(?: |\\n[ \\t]{0,20})?";

    private static final String HEX = "[0-9a-fA-F]";

    /** One character of a JSON string, in any writing that stands for a scalar value. */
    private static final String CHARACTER =
            "[^\"\\\\\\u0000-\\u001f]|\\\\(?:[\"\\\\/bfnrt]|u(?:[0-9a-cA-CefEF]H{3}|[dD][0-7]H{2}|[dD][89abAB]H{2}\\\\u[dD][c-fC-F]H{2}))"
                    .replace("H", HEX);

    /** Digits are limited: every number fits a double, every integer a long. */
    static final String INTEGER = "-?(?:0|[1-9][0-9]{0,17})";

    static final String NUMBER = "-?(?:0|[1-9][0-9]{0,14})(?:\\.[0-9]{1,15})?";

    private final Tokenizer tokenizer;
    private final Octets octets;
    private final SharedOnce shared;
    private final Map<String, Terminal> literals = new HashMap<>();
    private final Map<String, Terminal> markers = new HashMap<>();
    private final Budget budget = new Budget();

    /** Terminals of JSON. */
    record Shared(
            Terminal open,
            Terminal close,
            Terminal openList,
            Terminal closeList,
            Terminal gap,
            Terminal comma,
            Terminal colon,
            Dfa character,
            Terminal string,
            Terminal key,
            Terminal integer,
            Terminal number,
            Terminal flag,
            Terminal nothing) {
        static Shared of(Octets octets) {
            Dfa character = dfa(CHARACTER, octets);
            Dfa plain = dfa("[^\"\\\\\\u0000-\\u001f]", octets);
            return new Shared(
                    dfa("\\{", octets),
                    dfa(GAP + "\\}", octets),
                    dfa("\\[", octets),
                    dfa(GAP + "\\]", octets),
                    dfa(GAP, octets),
                    dfa("," + GAP, octets),
                    dfa(": ?", octets),
                    character,
                    new JsonText(character, 0, -1),
                    new JsonText(plain, 1, 128),
                    dfa(INTEGER, octets),
                    dfa(NUMBER + "(?:[eE][+-]?[0-9]{1,2})?", octets),
                    dfa("true|false", octets),
                    dfa("null", octets));
        }

        private static Dfa dfa(String regex, Octets octets) {
            return Dfa.of(
                    Nfa.of(RegexParser.whole(regex), Nfa.Writing.PLAIN), octets, new Budget());
        }
    }

    Terminals(Tokenizer tokenizer) {
        this(tokenizer, Octets.of(tokenizer));
    }

    private Terminals(Tokenizer tokenizer, Octets octets) {
        this(tokenizer, octets, new SharedOnce());
    }

    private Terminals(Tokenizer tokenizer, Octets octets, SharedOnce shared) {
        this.tokenizer = tokenizer;
        this.octets = octets;
        this.shared = shared;
    }

    /** The same with a budget of its own. */
    Terminals forOne() {
        return new Terminals(tokenizer, octets, shared);
    }

    Shared shared() {
        return shared.get(octets);
    }

    /** JSON's terminals, made when first asked for. */
    private static final class SharedOnce {
        private final Map<String, Dfa> known = new HashMap<>();
        private @Nullable Shared made;

        /** Formats and numbers, by their expressions. */
        synchronized Dfa known(Regex regex, String source, Octets octets) {
            return known.computeIfAbsent(
                    source, key -> Dfa.of(Nfa.of(regex, Nfa.Writing.JSON), octets, new Budget()));
        }

        synchronized Shared get(Octets octets) {
            if (made == null) {
                made = Shared.of(octets);
            }
            return made;
        }
    }

    long cells() {
        return budget.cells();
    }

    Terminal literal(String text) {
        return literals.computeIfAbsent(
                text,
                key -> {
                    byte[] bytes = JsonWriting.utf8(key);
                    for (byte octet : bytes) {
                        if (!octets.contains(octet & 0xff)) {
                            throw Refusal.invalid(
                                    "this model cannot write byte 0x%02x".formatted(octet));
                        }
                    }
                    budget.spendCells(bytes.length);
                    return new Literal(bytes);
                });
    }

    /** A marker of the model's: its control token where it has one of that name, else its text. */
    Terminal marker(String name) {
        Terminal known = markers.get(name);
        if (known != null) {
            return known;
        }
        Terminal made = null;
        for (int token = 0; token < tokenizer.vocabSize() && made == null; token++) {
            if (tokenizer.isControl(token)
                    && !tokenizer.isEndOfGeneration(token)
                    && tokenizer.name(token).equals(name)) {
                made = new Literal(TokenTrie.spelling(tokenizer, token));
            }
        }
        made = made == null ? literal(name) : made;
        markers.put(name, made);
        return made;
    }

    /** Any of some texts. */
    Terminal texts(List<String> texts) {
        return texts.size() == 1
                ? literal(texts.getFirst())
                : Dfa.of(
                        Nfa.ofTexts(texts.stream().map(JsonWriting::utf8).toList()),
                        octets,
                        budget);
    }

    Dfa regex(Regex regex, Nfa.Writing writing) {
        return Dfa.of(Nfa.of(regex, writing), octets, budget);
    }

    /** An automaton that many schemas share, not counted against one's budget. */
    Dfa known(Regex regex, String source) {
        return shared.known(regex, source, octets);
    }

    Dfa both(Dfa a, Dfa b) {
        return Dfa.both(a, b, octets, budget);
    }

    Dfa without(Dfa a, Dfa b) {
        return Dfa.without(a, b, octets, budget);
    }

    /** A JSON string of a number of characters. */
    Terminal string(int min, int max) {
        return min == 0 && max < 0
                ? shared().string()
                : new JsonText(shared().character(), min, max);
    }
}
