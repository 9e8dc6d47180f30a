package io.baton.common.worker;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.baton.common.error.BatonException;
import io.baton.common.error.ErrorCode;
import io.baton.common.generation.SamplingParams;
import io.baton.common.generation.TokenOutput;
import io.baton.common.proto.Sampling;
import io.baton.common.proto.Token;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Consumer;
import org.junit.jupiter.api.Test;

class ProtoSamplingTest {
    private static final int VOCAB = 100;

    private static final SamplingParams FULL =
            new SamplingParams(
                    7,
                    2,
                    0.5f,
                    40,
                    0.9f,
                    0.05f,
                    -1f,
                    1.5f,
                    1.1f,
                    Map.of(3, -100f, 99, 1f),
                    0x8000_0000_0000_0001L,
                    List.of("END", "\n\n"),
                    Set.of(5, 6),
                    true,
                    true,
                    false,
                    4,
                    2,
                    null,
                    Set.of());

    @Test
    void samplingSurvivesTheWire() throws Exception {
        Sampling wire = Sampling.parseFrom(ProtoSampling.toProto(FULL).toByteArray());
        assertEquals(FULL, ProtoSampling.fromProto(wire, VOCAB));
        SamplingParams greedy = SamplingParams.greedy(3);
        assertEquals(greedy, ProtoSampling.fromProto(ProtoSampling.toProto(greedy), VOCAB));
    }

    @Test
    void tokenSurvivesTheWire() throws Exception {
        TokenOutput token =
                new TokenOutput(
                        4,
                        9,
                        -0.25f,
                        List.of(new TokenOutput.TopToken(9, -0.25f)),
                        "ab".repeat(32));
        Token wire = Token.parseFrom(ProtoSampling.toProto(token, "x").toByteArray());
        assertEquals("x", wire.getText());
        assertEquals(token, ProtoSampling.fromProto(wire, VOCAB));
    }

    @Test
    void everyParameterOutOfRangeIsRefused() {
        List<Consumer<Sampling.Builder>> faults =
                List.of(
                        s -> s.setMaxTokens(0),
                        s -> s.setMinTokens(8),
                        s -> s.setMinTokens(-1),
                        s -> s.setTemperature(-0.1f),
                        s -> s.setTemperature(Float.NaN),
                        s -> s.setTemperature(Float.POSITIVE_INFINITY),
                        s -> s.setTopK(-1),
                        s -> s.setTopP(0),
                        s -> s.setTopP(1.1f),
                        s -> s.setMinP(2),
                        s -> s.setFrequencyPenalty(2.5f),
                        s -> s.setPresencePenalty(-3),
                        s -> s.setRepetitionPenalty(0),
                        s -> s.setLogprobs(-2),
                        s -> s.setLogprobs(1000),
                        s -> s.putLogitBias(VOCAB, 1f),
                        s -> s.putLogitBias(1, 101f),
                        s -> s.addStopTokenIds(-1),
                        s -> s.addStop(""),
                        s -> s.addStop("x".repeat(5000)));
        for (Consumer<Sampling.Builder> fault : faults) {
            Sampling.Builder wire = ProtoSampling.toProto(FULL).toBuilder();
            fault.accept(wire);
            BatonException error =
                    assertThrows(
                            BatonException.class,
                            () -> ProtoSampling.fromProto(wire.build(), VOCAB));
            assertEquals(ErrorCode.INVALID_VALUE, error.code());
            assertTrue(error.text().contains("allowed are"));
        }
    }

    @Test
    void tokenOutsideTheVocabularyIsRefused() {
        assertThrows(
                BatonException.class,
                () -> ProtoSampling.fromProto(Token.newBuilder().setId(VOCAB).build(), VOCAB));
    }
}
