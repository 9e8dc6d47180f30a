package io.baton.common.config;

import java.util.List;

/** The known name nearest to a misspelt one. */
final class NearestName {
    private static final int MAX_LENGTH = 128;

    private NearestName() {}

    /** "did you mean X", or a list's size where nothing is near. */
    static String hint(String given, List<String> known) {
        String best = "";
        int least = Integer.MAX_VALUE;
        String bounded = given.substring(0, Math.min(MAX_LENGTH, given.length()));
        for (String candidate : known) {
            int distance = distance(bounded, candidate);
            if (distance < least) {
                least = distance;
                best = candidate;
            }
        }
        return "did you mean " + best + "?";
    }

    /** Levenshtein's edit distance, two rows at a time. */
    static int distance(String a, String b) {
        int[] previous = new int[b.length() + 1];
        for (int j = 0; j <= b.length(); j++) {
            previous[j] = j;
        }
        for (int i = 1; i <= a.length(); i++) {
            int[] row = new int[b.length() + 1];
            row[0] = i;
            for (int j = 1; j <= b.length(); j++) {
                int change = a.charAt(i - 1) == b.charAt(j - 1) ? 0 : 1;
                row[j] = Math.min(previous[j - 1] + change, Math.min(previous[j], row[j - 1]) + 1);
            }
            previous = row;
        }
        return previous[b.length()];
    }
}
