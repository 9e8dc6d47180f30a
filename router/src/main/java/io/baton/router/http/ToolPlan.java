package io.baton.router.http;

import io.baton.common.tools.ToolCallParser;
import io.baton.common.tools.ToolStyle;
import java.util.SplittableRandom;

/**
 * How calls of tools are found in an answer.
 *
 * @param style the family's syntax
 * @param seed of the calls' ids
 * @param maxCalls most calls of one choice
 */
record ToolPlan(ToolStyle style, long seed, int maxCalls) {
    private static final int MAX_CALLS = 128;
    private static final String LETTERS =
            "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

    /** Mistral's templates take ids of nine letters and digits only. */
    private static final int MISTRAL_ID = 9;

    private static final int ID = 24;

    static ToolPlan of(ToolStyle style, long seed, boolean parallel) {
        return new ToolPlan(style, seed, parallel ? MAX_CALLS : 1);
    }

    ToolCallParser parser(int choice) {
        return new ToolCallParser(style, index -> id(choice, index), maxCalls);
    }

    private String id(int choice, int index) {
        SplittableRandom random = new SplittableRandom(seed + 1_000_003L * choice + 7919L * index);
        boolean mistral = style == ToolStyle.MISTRAL || style == ToolStyle.MISTRAL_ARGS;
        StringBuilder id = new StringBuilder(mistral ? "" : "call_");
        for (int i = 0; i < (mistral ? MISTRAL_ID : ID); i++) {
            id.append(LETTERS.charAt(random.nextInt(LETTERS.length())));
        }
        return id.toString();
    }
}
