package io.baton.bench.engine;

import java.io.IOException;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import tools.jackson.databind.JsonNode;

/**
 * Whether a peer computes the same model: its logits after a fixed text, against ours. A speed
 * beside other results would say nothing. The text begins as the model's texts do: without their
 * first token some models' activations go far astray when they are rounded.
 */
final class LogitsCheck {
    /** Length of a text whose rows are computed as a prompt's. */
    static final int TOKENS = 64;

    /** Length of a text whose rows are computed as a decoded batch's. */
    static final int FEW_TOKENS = 8;

    private static final int IDS = 256;

    /** Rounding of activations to 8 bits moves logits by up to a fifth of their spread. */
    private static final double LARGEST = 0.5;

    private LogitsCheck() {}

    /** Root mean square of the difference over that of our logits around their mean. */
    static double distance(Subject ours, Subject peer, int tokens)
            throws IOException, InterruptedException {
        int vocab = ours.hello().path("vocab").asInt();
        if (vocab != peer.hello().path("vocab").asInt()) {
            return Double.POSITIVE_INFINITY;
        }
        SplittableRandom random = new SplittableRandom(11);
        int[] text = random.ints(tokens, 0, vocab).toArray();
        int first = ours.hello().path("firstToken").asInt();
        if (first >= 0) {
            text[0] = first;
        }
        Map<String, Object> question =
                Map.of(
                        "do",
                        "logits",
                        "tokens",
                        text,
                        "ids",
                        random.ints(IDS, 0, vocab).boxed().toList());
        return distance(
                values(ours.ask(question).path("logits")),
                values(peer.ask(question).path("logits")));
    }

    static boolean isSame(double distance) {
        return distance <= LARGEST;
    }

    static double distance(List<Double> ours, List<Double> theirs) {
        double mean = ours.stream().mapToDouble(Double::doubleValue).average().orElse(0);
        double spread = 0;
        double difference = 0;
        for (int i = 0; i < ours.size(); i++) {
            spread += Math.pow(ours.get(i) - mean, 2);
            difference += Math.pow(ours.get(i) - theirs.get(i), 2);
        }
        return Math.sqrt(difference / spread);
    }

    private static List<Double> values(JsonNode array) {
        return java.util.stream.IntStream.range(0, array.size())
                .mapToObj(i -> array.path(i).asDouble())
                .toList();
    }
}
