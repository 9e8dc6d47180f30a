package io.baton.common.text;

import io.baton.common.error.BatonException;
import io.baton.common.error.ErrorCode;
import io.baton.common.text.PreTokenizer.Options;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeSet;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * The pre-tokenizers that model files name in {@code tokenizer.ggml.pre}. A file gives a name only;
 * no pattern is ever taken from a file. Patterns are those of the models' published tokenizer
 * definitions, as llama.cpp reads them, written so that no group repeats (java.util.regex would
 * recurse once for each repetition).
 */
final class PreTokenizers {
    static final String KEY = TokenizerKeys.PRE;

    private static final String NO_SPLIT_CONTRACTION = "'s|'t|'re|'ve|'m|'ll|'d";
    private static final String CONTRACTION = "'(?:[sStTmMdD]|[rR][eE]|[vV][eE]|[lL][lL])";
    private static final String WORD = "[^\\r\\n\\p{L}\\p{N}]?\\p{L}+";
    private static final String SPACES = "|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+";
    private static final String SYMBOLS = "| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*";

    private static final String GPT2 =
            " ?\\p{L}+|"
                    + NO_SPLIT_CONTRACTION
                    + "| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+|\\s+(?!\\S)|\\s+";
    private static final String LLAMA3 =
            CONTRACTION + "|" + WORD + "|\\p{N}{1,3}" + SYMBOLS + SPACES;
    private static final String QWEN2 = CONTRACTION + "|" + WORD + "|\\p{N}" + SYMBOLS + SPACES;
    private static final String JAIS2 =
            CONTRACTION
                    + "|"
                    + WORD
                    + "|\\p{N}{1,3}"
                    + SYMBOLS
                    + "|\\s*[\\r\\n]+|\\s{512}(?!\\S)|\\s{256}(?!\\S)|\\s{128}(?!\\S)|\\s{64}(?!\\S)"
                    + "|\\s{32}(?!\\S)|\\s{16}(?!\\S)|\\s{8}(?!\\S)|\\s{4}(?!\\S)|\\s{1,2}(?!\\S)|\\s";
    private static final String CASED =
            "[^\\r\\n\\p{L}\\p{N}]?[\\p{L}&&[^a-z]]*[\\p{L}&&[^A-Z]]+%1$s"
                    + "|[^\\r\\n\\p{L}\\p{N}]?[\\p{L}&&[^a-z]]+[\\p{L}&&[^A-Z]]*%1$s"
                    + "|\\p{N}%2$s| ?[^\\s\\p{L}\\p{N}]+[\\r\\n/]*"
                    + SPACES;

    /**
     * The published pattern that the names above stand for in GGUF files; llama.cpp tells case by
     * ASCII alone.
     */
    private static final String FULLY_CASED =
            "[^\\r\\n\\p{L}\\p{N}]?[\\p{Lu}\\p{Lt}\\p{Lm}\\p{Lo}\\p{M}]*[\\p{Ll}\\p{Lm}\\p{Lo}\\p{M}]+%1$s"
                    + "|[^\\r\\n\\p{L}\\p{N}]?[\\p{Lu}\\p{Lt}\\p{Lm}\\p{Lo}\\p{M}]+[\\p{Ll}\\p{Lm}\\p{Lo}\\p{M}]*%1$s"
                    + "|\\p{N}%2$s| ?[^\\s\\p{L}\\p{N}]+[\\r\\n/]*"
                    + SPACES;

    private static final String DEEPSEEK_WORD =
            "[!\"#$%&'()*+,\\-./:;<=>?@\\[\\\\\\]^_`{|}~][A-Za-z]+"
                    + "|[^\\r\\n\\p{L}\\p{P}\\p{S}]?[\\p{L}\\p{M}]+";

    /** White space in these ranges is none of them to llama.cpp. */
    private static final String CJK = "[一-龥\\u0800-一가-\\uD7FF&&[^\\s]]+";

    private static final String SENTENCE = " ?[^(\\s|.,!?…。，、।۔،)]+";
    private static final String LINES = "[^\\n]+|\\n+";

    /** Letters with case as deepseek-llm's definition lists them. */
    private static final String DEEPSEEK_LETTERS =
            "A-Za-z\\u00B5À-ÖØ-öø-ƺƼ-ƿ\\u01C4-ʓʕ-ʯͰ-ͳͶͷͻ-ͽͿΆΈ-ΊΌΎ-ΡΣ-\\u03F5Ϸ-ҁҊ-ԯԱ-Ֆ"
                    + "Ⴀ-ჅᎠ-Ᏽᏸ-ᏽᲐ-ᲺᲽ-Ჿᴀ-ᴫᵫ-ᵷᵹ-ᶚḀ-ἕἘ-Ἕἠ-ὅὈ-Ὅὐ-ὗὙὛὝὟ-\\u1F7Dᾀ-ᾴᾶ-ᾼ\\u1FBEῂ-ῄῆ-ῌῐ-"
                    + "\\u1FD3ῖ-\\u1FDBῠ-Ῥῲ-ῴῶ-ῼ\\u2102\\u2107\\u210A-\\u2113\\u2115\\u2119-"
                    + "\\u211D\\u2124\\u2126\\u2128\\u212A-\\u212D\\u212F-\\u2134\\u2139\\u213C"
                    + "-\\u213F\\u2145-\\u2149ⅎↃↄⰀ-ⱻⱾ-ⳤⳫ-ⳮⳲⳳꙀ-ꙭꚀ-ꚛꜢ-ꝯꝱ-ꞇꞋ-ꞎꭰ-ꮿ\\uFB00-\\uFB06"
                    + "\\uFB13-\\uFB17\\uFF21-\\uFF3A\\uFF41-\\uFF5A\\x{10400}-\\x{1044F}"
                    + "\\x{104B0}-\\x{104D3}\\x{104D8}-\\x{104FB}\\x{10C80}-\\x{10CB2}"
                    + "\\x{10CC0}-\\x{10CF2}\\x{118A0}-\\x{118DF}\\x{1E900}-\\x{1E943}";

    private static final Map<String, PreTokenizer> BY_NAME = table();

    private PreTokenizers() {}

    /**
     * The pre-tokenizer with a name, {@code default} for null.
     *
     * @throws BatonException MODEL_FILE_INVALID if the name is not in the table
     */
    static PreTokenizer named(@Nullable String name) {
        PreTokenizer found = BY_NAME.get(name == null ? "default" : name);
        if (found == null) {
            throw new BatonException(
                    ErrorCode.MODEL_FILE_INVALID,
                    "%s: unknown pre-tokenizer '%s'; known are %s"
                            .formatted(KEY, name, String.join(", ", names())));
        }
        return found;
    }

    static TreeSet<String> names() {
        return new TreeSet<>(BY_NAME.keySet());
    }

    private static PreTokenizer of(Options options, String... stages) {
        // \s must mean all of Unicode's white space.
        List<Pattern> patterns =
                Arrays.stream(stages)
                        .map(stage -> Pattern.compile(stage, Pattern.UNICODE_CHARACTER_CLASS))
                        .toList();
        return new PreTokenizer(patterns, options);
    }

    private static void put(Map<String, PreTokenizer> table, PreTokenizer value, String... names) {
        for (String name : names) {
            table.put(name, value);
        }
    }

    private static Map<String, PreTokenizer> table() {
        Options plain = new Options(false, false, false, false);
        Options whole = new Options(true, false, false, false);
        Options wholeBos = new Options(true, true, false, false);
        Map<String, PreTokenizer> t = new HashMap<>();
        putGptLike(t, plain);
        putLlamaLike(t, plain, whole, wholeBos);
        putDeepseekLike(t, plain);
        put(t, of(new Options(false, true, true, true), LINES), "gemma4");
        put(t, of(plain, SENTENCE), "poro-chat", "bloom", "gpt3-finnish");
        put(t, of(plain, SENTENCE, "\\p{N}"), "viking");
        return Map.copyOf(t);
    }

    private static void putGptLike(Map<String, PreTokenizer> t, Options plain) {
        put(
                t,
                of(plain, GPT2),
                "gpt-2",
                "phi-2",
                "gigachat",
                "a.x-4.0",
                "mellum",
                "exaone4",
                "mpt",
                "olmo",
                "jais",
                "trillion",
                "granite-docling");
        put(
                t,
                of(plain, "\\p{N}", GPT2),
                "smollm",
                "starcoder",
                "refact",
                "command-r",
                "codeshell",
                "exaone",
                "minerva-7b",
                "mellum2");
        put(t, of(plain, "[\\p{P}$+<=>^~|`]+", GPT2, "[0-9][0-9][0-9]"), "falcon");
        put(t, of(plain, "[\\p{P}$+<=>^~|]+", GPT2, "\\p{N}+", "[0-9][0-9][0-9]"), "default");
        put(
                t,
                of(
                        new Options(false, true, false, false),
                        "<sentinel:[0-9]+>",
                        "IMGIMG[A-I]{1,4}Z",
                        "[\\t\\n]|    |  ",
                        "\\p{N}",
                        "[\\p{P}!-/:-@\\[-`{-~]",
                        GPT2),
                "chameleon");
    }

    private static void putLlamaLike(
            Map<String, PreTokenizer> t, Options plain, Options whole, Options wholeBos) {
        put(
                t,
                of(wholeBos, LLAMA3),
                "llama3",
                "llama-v3",
                "llama-bpe",
                "falcon3",
                "falcon-h1",
                "pixtral",
                "midm-2.0",
                "lfm2");
        put(t, of(plain, LLAMA3), "dbrx", "smaug-bpe", "chatglm-bpe");
        put(t, of(whole, LLAMA3), "glm4", "glm5");
        put(t, of(plain, JAIS2), "jais-2");
        put(
                t,
                of(plain, QWEN2),
                "qwen2",
                "deepseek-r1-qwen",
                "kormo",
                "f2llmv2",
                "megrez",
                "stablelm2",
                "hunyuan",
                "solar-open",
                "grok-2");
        put(t, of(plain, LINES, QWEN2), "laguna");
        put(
                t,
                of(
                        plain,
                        CONTRACTION
                                + "|[^\\r\\n\\p{L}\\p{N}]?[\\p{L}\\p{M}]+|\\p{N}"
                                + "| ?[^\\s\\p{L}\\p{M}\\p{N}]+[\\r\\n]*"
                                + SPACES),
                "qwen35");
        put(t, of(plain, WORD + "|\\p{N}" + SYMBOLS + SPACES), "ufakzeka");
        put(
                t,
                of(
                        plain,
                        CONTRACTION
                                + "|"
                                + WORD
                                + "|\\p{N}"
                                + SYMBOLS
                                + "|\\s*[\\r\\n]|\\s+(?!\\S)|\\s+"),
                "bailingmoe",
                "bailingmoe2",
                "llada-moe");
        put(
                t,
                of(
                        plain,
                        CONTRACTION + "|" + WORD + "|\\p{N}| ?[^\\s\\p{L}\\p{N}\\r\\n]+" + SPACES),
                "seed-coder");
        put(
                t,
                of(whole, "\\p{N}{1,3}", CONTRACTION + "|" + WORD + "|\\p{N}+" + SYMBOLS + SPACES),
                "minicpm5");
        put(t, of(wholeBos, CASED.formatted("", "")), "tekken");
        put(t, of(plain, FULLY_CASED.formatted("", "")), "tekken-cased");
        put(
                t,
                of(plain, FULLY_CASED.formatted("(?:" + CONTRACTION + ")?", "{1,3}")),
                "gpt-4o-cased");
        put(
                t,
                of(plain, CASED.formatted("(?:" + CONTRACTION + ")?", "{1,3}")),
                "gpt-4o",
                "llama4",
                "kanana2",
                "talkie",
                "minimax-m2");
    }

    private static void putDeepseekLike(Map<String, PreTokenizer> t, Options plain) {
        put(
                t,
                of(
                        plain,
                        "[\\r\\n]",
                        "\\s?[" + DEEPSEEK_LETTERS + "]+",
                        "\\s?[!-/:-~！-／：-～‘-‟\\u3000-。&&[^\\s]]+",
                        "\\s+\\z",
                        CJK,
                        "\\p{N}+"),
                "deepseek-llm");
        put(
                t,
                of(plain, "[\\r\\n]", "\\s?\\p{L}+", "\\s?\\p{P}+", CJK, "\\p{N}"),
                "deepseek-coder");
        put(
                t,
                of(
                        plain,
                        "\\p{N}{1,3}",
                        "[一-龥\\u3040-ゟ゠-ヿ]+",
                        DEEPSEEK_WORD + "| ?[\\p{P}\\p{S}]+[\\r\\n]*" + SPACES),
                "deepseek-v3",
                "hunyuan-dense",
                "joyai-llm",
                "hy_v4");
        put(
                t,
                of(
                        plain,
                        "\\p{N}{1,3}",
                        "[一-龥\\u3040-ゟ゠-ヿ]+",
                        DEEPSEEK_WORD + "| ?[\\p{P}\\p{S}]+|[\\r\\n]|\\s+(?!\\S)|\\s+",
                        "\\p{N}"),
                "spark2_5");
    }
}
