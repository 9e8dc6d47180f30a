package io.baton.common.generation;

import java.util.OptionalDouble;
import java.util.OptionalInt;

/**
 * The settings of sampling that a model may recommend, as far as somebody said them: a request, or
 * the model. Meanings and ranges are those of {@link SamplingParams}. Immutable.
 */
public record SamplingChoice(
        OptionalDouble temperature,
        OptionalInt topK,
        OptionalDouble topP,
        OptionalDouble minP,
        OptionalDouble repetitionPenalty) {
    public static final double MAX_TEMPERATURE = 2;
    public static final double MAX_REPETITION_PENALTY = 10;

    /** Nothing was said. */
    public static final SamplingChoice NONE =
            new SamplingChoice(
                    OptionalDouble.empty(),
                    OptionalInt.empty(),
                    OptionalDouble.empty(),
                    OptionalDouble.empty(),
                    OptionalDouble.empty());

    /** What this says, and where it says nothing, what the other does. */
    public SamplingChoice or(SamplingChoice other) {
        return new SamplingChoice(
                temperature.isPresent() ? temperature : other.temperature,
                topK.isPresent() ? topK : other.topK,
                topP.isPresent() ? topP : other.topP,
                minP.isPresent() ? minP : other.minP,
                repetitionPenalty.isPresent() ? repetitionPenalty : other.repetitionPenalty);
    }
}
