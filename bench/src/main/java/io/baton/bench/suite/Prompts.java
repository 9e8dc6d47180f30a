package io.baton.bench.suite;

import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;

/** Deterministic prompts of our own words, so that a run needs no data set. */
final class Prompts {
    private static final String[] WORDS =
            ("the a of to and in is that it was for on are with as his they be at one have this from or had by hot but some"
                            + " what there we can out other were all your when up use word how said an each she which do their time"
                            + " if will way about many then them would write like so these her long make thing see him two has look"
                            + " more day could go come did my sound no most number who over know water than call first people may"
                            + " down side been now find any new work part take get place made live where after back little only"
                            + " round man year came show every good me give our under name very through just form much great think")
                    .split(" ");

    private Prompts() {}

    /**
     * About {@code tokens} tokens of words, one a token in most vocabularies; equal seeds give
     * equal texts.
     */
    static String words(int tokens, long seed) {
        SplittableRandom random = new SplittableRandom(seed);
        StringBuilder text = new StringBuilder(tokens * 6);
        for (int i = 0; i < tokens - 8; i++) {
            text.append(WORDS[random.nextInt(WORDS.length)]).append(' ');
        }
        return text.toString();
    }

    /** {@code count} questions of different lengths, some with a shared beginning. */
    static List<String> questions(int count) {
        String[] topics = {
            "a lighthouse",
            "bread",
            "bicycles",
            "Lisbon",
            "photosynthesis",
            "old letters",
            "chess",
            "late trains",
            "the tides",
            "onion soup",
            "search trees",
            "vaccines",
            "cats",
            "prime numbers",
            "e-mail",
            "paper",
            "budgets"
        };
        String[] frames = {
            "Tell me three facts about %s.",
            "Explain %s to a child.",
            "Write a short poem about %s.",
            "You are an expert who answers briefly and clearly, in plain words and without lists. What should"
                    + " everybody know about %s, and what do most people get wrong?",
            "List five questions about %s.",
            "You are an expert who answers briefly and clearly, in plain words and without lists. Who first wrote"
                    + " about %s?",
        };
        List<String> questions = new ArrayList<>(count);
        for (int i = 0; i < count; i++) {
            questions.add(
                    frames[(i / topics.length) % frames.length].formatted(
                            topics[i % topics.length]));
        }
        return questions;
    }
}
