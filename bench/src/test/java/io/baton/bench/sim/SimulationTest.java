package io.baton.bench.sim;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

class SimulationTest {
    private static final long SECOND = 1_000_000_000L;

    private final Simulation simulation = new Simulation(0, 1000);

    @Test
    void eventsRunInOrderOfTimeThenOfMaking() {
        List<String> ran = new ArrayList<>();
        simulation.at(20, () -> ran.add("c"));
        simulation.at(
                10,
                () -> {
                    ran.add("a");
                    simulation.after(10, () -> ran.add("d"));
                });
        simulation.at(10, () -> ran.add("b"));
        simulation.run();
        assertEquals(List.of("a", "b", "c", "d"), ran);
        assertEquals(20, simulation.nanos());
        assertThrows(IllegalArgumentException.class, () -> simulation.at(19, () -> {}));
    }

    @Test
    void aRunThatDoesNotEndIsRefused() {
        Runnable[] again = new Runnable[1];
        again[0] = () -> simulation.after(1, again[0]);
        simulation.after(1, again[0]);
        assertThrows(IllegalStateException.class, simulation::run);
    }

    @Test
    void bytesPassAsTheTraceLetsThem() {
        BandwidthTrace trace = new BandwidthTrace("t", SECOND, new double[] {100, 0, 50});
        assertEquals(SECOND / 2, trace.doneNanos(0, 50));
        assertEquals(2 * SECOND + SECOND / 5, trace.doneNanos(0, 110));
        assertEquals(3 * SECOND + SECOND / 2, trace.doneNanos(0, 200));
        assertThrows(
                IllegalArgumentException.class,
                () -> new BandwidthTrace("dead", SECOND, new double[] {0}));
    }

    @Test
    void aLinkIsSharedInOrder() {
        SimLink link = link(BandwidthTrace.constant(1000), SimLink.Loss.NONE);
        List<Long> arrived = new ArrayList<>();
        link.send(1000, () -> arrived.add(simulation.nanos()));
        link.send(500, () -> arrived.add(simulation.nanos()));
        simulation.run();
        assertEquals(List.of(SECOND + 7, SECOND * 3 / 2 + 7), arrived);
    }

    @Test
    void whatIsLostComesLate() {
        SimLink link = link(BandwidthTrace.constant(1000), new SimLink.Loss(0.5, SECOND));
        List<Long> arrived = new ArrayList<>();
        link.send(1000, () -> arrived.add(simulation.nanos()));
        simulation.run();
        assertEquals(List.of(2 * SECOND + 7), arrived);
    }

    private SimLink link(BandwidthTrace trace, SimLink.Loss loss) {
        return new SimLink(simulation, trace, 7, loss, new SplittableRandom(1));
    }

    @Test
    void tracesComeFromTheirSeed() {
        List<BandwidthTrace> traces = Traces.ten(1, 100);
        assertEquals(10, traces.size());
        for (int i = 0; i < traces.size(); i++) {
            double[] rates = traces.get(i).bytesPerSecond();
            assertArrayEquals(rates, Traces.ten(1, 100).get(i).bytesPerSecond());
            for (double rate : rates) {
                assertTrue(rate >= 0 && rate <= 1000 + 1e-6, traces.get(i).name());
            }
        }
    }
}
