package io.baton.common.model;

import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * A model on the hub: {@code OWNER/REPO} or {@code OWNER/REPO:FILE.gguf}. The parts hold nothing
 * but letters, digits and {@code . _ - +}, so that they are safe in paths and addresses.
 *
 * @param file empty where the repository's only GGUF file is meant
 */
public record HubId(String owner, String repository, Optional<String> file) {
    private static final String PART = "[A-Za-z0-9][A-Za-z0-9._+-]{0,127}";
    private static final Pattern ID =
            Pattern.compile(
                    "(%s)/(%s)(?::((?:%s/){0,4}%s\\.gguf))?".formatted(PART, PART, PART, PART));

    /** The id that the text spells, empty if it is none. */
    public static Optional<HubId> parse(String text) {
        Matcher matcher = ID.matcher(text);
        return matcher.matches()
                ? Optional.of(
                        new HubId(
                                matcher.group(1),
                                matcher.group(2),
                                Optional.ofNullable(matcher.group(3))))
                : Optional.empty();
    }

    /** {@code OWNER/REPO}. */
    public String name() {
        return owner + "/" + repository;
    }
}
