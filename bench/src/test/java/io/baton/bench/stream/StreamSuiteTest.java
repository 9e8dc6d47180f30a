package io.baton.bench.stream;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.baton.bench.frame.Results;
import io.baton.bench.frame.RunFacts;
import io.baton.bench.frame.SuiteContext;
import io.baton.bench.sim.BandwidthTrace;
import io.baton.bench.sim.SimLink;
import io.baton.kv.adapt.PolicyOptions;
import io.baton.kv.adapt.Rung;
import java.io.IOException;
import java.io.OutputStream;
import java.io.PrintStream;
import java.io.StringWriter;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class StreamSuiteTest {
    @TempDir Path folder;

    /** The pass rule of the suite holds at a fifth of its requests. */
    @Test
    void thePolicyHoldsAgainstTheBestFixedWay() throws IOException {
        StringWriter rows = new StringWriter();
        Path plot = folder.resolve("plot.svg");
        assertTrue(run(rows, Map.of("plot", plot.toString())), rows.toString());
        assertTrue(rows.toString().contains("\"policy TTFT\""));
        assertTrue(Files.readString(plot).contains("<polyline"));
    }

    /**
     * A link that nothing passes for most of the time, and rungs that hide it: the rule can fail.
     */
    @Test
    void theRuleCanFail() throws IOException {
        // The policy's first chunks go at a medium rung, here a hundred times as long as the floor.
        String trap = "raw:1:inf:inf,a:1.01:inf:inf,b:1.02:inf:inf,c:100:inf:inf,d:100:inf:inf";
        assertEquals(
                false,
                run(new StringWriter(), Map.of("rungs", trap, "floor", "c", "tokens", "2048")));
    }

    @Test
    void unknownOptionsAreRefused() {
        assertThrows(
                IllegalArgumentException.class,
                () -> run(new StringWriter(), Map.of("request", "1")));
    }

    private static boolean run(StringWriter rows, Map<String, String> options) throws IOException {
        RunFacts facts = new RunFacts("c", "cpu", "jvm", 0, "now");
        PrintStream nowhere =
                new PrintStream(OutputStream.nullOutputStream(), false, StandardCharsets.UTF_8);
        try (Results results = new Results(facts, rows, nowhere)) {
            return new StreamSuite()
                    .run(
                            new SuiteContext(
                                    true,
                                    options,
                                    results,
                                    arguments -> {
                                        throw new IllegalStateException("no cluster is needed");
                                    }));
        }
    }

    @Test
    void aTransferTakesWhatItsSlowestPartTakes() {
        Scene scene = new Scene(1024, 256, 1000, 1000, 0, 1, 0, List.of(Rung.raw("raw")));
        Contest contest =
                new Contest(
                        scene,
                        List.of(BandwidthTrace.constant(1e6)),
                        1,
                        PolicyOptions.of(0),
                        SimLink.Loss.NONE);
        // 1.024 s of computing and of sending; only the last chunk is sent after it is computed.
        assertEquals(1.28e9, contest.fixed().getFirst().meanNanos(), 1000);
        assertEquals(1.28e9, contest.policy().meanNanos(), 1000);
    }

    @Test
    void textTakesItsTimeWhateverTheLink() {
        Scene scene = new Scene(1024, 256, 1000, 1000, 512, 1, 0, List.of(Rung.raw("raw")));
        Contest contest =
                new Contest(
                        scene,
                        List.of(BandwidthTrace.constant(1)),
                        1,
                        PolicyOptions.of(0),
                        SimLink.Loss.NONE);
        assertEquals(2e9, contest.fixed().getLast().meanNanos(), 1000);
    }
}
