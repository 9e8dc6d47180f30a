package io.baton.prefiller.profile;

import io.baton.common.text.PromptText;
import io.baton.common.text.Tokenizer;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/** Texts that profiles are made of. */
public final class ProfileTexts {
    /** Our own, one of each kind. The order counts. */
    private static final List<String> OURS =
            List.of(
                    "story",
                    "chat",
                    "encyclopedia",
                    "reading-qa",
                    "math",
                    "shell",
                    "java",
                    "python",
                    "data",
                    "office",
                    "techdoc",
                    "logs",
                    "verse",
                    "news-recipe-travel",
                    "languages",
                    "debate");

    /** Shorter rests of a text are left out. */
    private static final int LEAST_TOKENS = 256;

    private ProfileTexts() {}

    /** Baton's own texts: prose, talk, code, tables, several languages. */
    public static List<int[]> ours(Tokenizer tokenizer, int maxTokens) {
        List<int[]> texts = new ArrayList<>();
        for (String name : OURS) {
            try (InputStream in = ProfileTexts.class.getResourceAsStream(name + ".txt")) {
                if (in == null) {
                    throw new IllegalStateException("the program lacks its text " + name);
                }
                String text = new String(in.readAllBytes(), StandardCharsets.UTF_8);
                int[] tokens = tokenizer.encode(PromptText.trusted(text), true);
                texts.add(Arrays.copyOf(tokens, Math.min(tokens.length, maxTokens)));
            } catch (IOException e) {
                throw new UncheckedIOException("cannot read the text " + name, e);
            }
        }
        return texts;
    }

    /**
     * Texts of files in UTF-8, cut into pieces of {@code maxTokens}.
     *
     * @throws IOException if a file cannot be read
     */
    public static List<int[]> of(List<Path> files, Tokenizer tokenizer, int maxTokens)
            throws IOException {
        List<int[]> texts = new ArrayList<>();
        for (Path file : files) {
            int[] tokens = tokenizer.encode(PromptText.trusted(Files.readString(file)), true);
            for (int from = 0; from < tokens.length; from += maxTokens) {
                int to = Math.min(tokens.length, from + maxTokens);
                if (to - from >= LEAST_TOKENS) {
                    texts.add(Arrays.copyOfRange(tokens, from, to));
                }
            }
        }
        return texts;
    }
}
