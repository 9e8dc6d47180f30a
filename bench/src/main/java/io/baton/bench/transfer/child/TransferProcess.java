package io.baton.bench.transfer.child;

import com.sun.management.OperatingSystemMXBean;
import io.baton.bench.engine.child.Lines;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.lang.management.ManagementFactory;
import java.util.Arrays;
import java.util.HashMap;
import java.util.Map;
import tools.jackson.databind.JsonNode;

/**
 * One of the two processes. Asked by JSON lines: {@code open} a wire, {@code expect}, {@code send},
 * {@code await}, {@code roundTrips}, {@code copy}, {@code cpu}.
 */
public final class TransferProcess {
    private final Pools pools = new Pools(Pools.MOST_STREAMS / 2);
    private final Map<String, Wire> wires = new HashMap<>();

    private TransferProcess() {}

    public static void main(String[] arguments) throws IOException {
        TransferProcess process = new TransferProcess();
        Lines.serve(
                Map.of("name", "java " + Runtime.version()),
                question -> {
                    try {
                        return process.answer(question);
                    } catch (Exception | LinkageError e) {
                        return Map.of("error", String.valueOf(e));
                    }
                });
        process.wires.values().forEach(Wire::close);
    }

    private Map<String, Object> answer(JsonNode question) throws Exception {
        String wire = question.path("wire").asString();
        String url = question.path("url").asString();
        return switch (question.path("do").asString()) {
            case "listen" -> Map.of("url", wire(wire).listen());
            case "expect" -> {
                wire(wire).expect(Load.of(question));
                yield Map.of();
            }
            case "send" -> {
                Load load = Load.of(question);
                yield Map.of("start", wire(wire).send(url, load), "bytes", load.bytes());
            }
            case "await" -> Map.of("end", wire(wire).awaitEnd());
            case "roundTrips" -> {
                long[] nanos = wire(wire).roundTrips(url, question.path("count").asInt());
                Arrays.sort(nanos);
                yield Map.of("p50", nanos[nanos.length / 2], "p99", nanos[nanos.length * 99 / 100]);
            }
            case "copy" -> copy(Load.of(question));
            case "cpu" -> Map.of("nanos", cpuNanos());
            default -> throw new IOException("unknown question " + question);
        };
    }

    private Wire wire(String name) {
        return wires.computeIfAbsent(
                name, n -> n.equals("socket") ? new SocketWire(pools) : new ChannelWire(n, pools));
    }

    /** The plainest way of all: within one process, from half of the places to the other. */
    private Map<String, Object> copy(Load load) throws InterruptedException {
        int half = Pools.MOST_STREAMS / 4;
        long start =
                Sending.run(
                        load.streams(),
                        stream -> {
                            MemorySegment from = pools.of(stream);
                            MemorySegment to = pools.of(stream + half);
                            for (int i = 0; i < load.messages(); i++) {
                                MemorySegment.copy(from, 0, to, 0, load.shape().bytes());
                            }
                        });
        return Map.of("start", start, "end", System.nanoTime(), "bytes", load.bytes());
    }

    private static long cpuNanos() {
        return ManagementFactory.getPlatformMXBean(OperatingSystemMXBean.class).getProcessCpuTime();
    }
}
