package io.baton.bench.transfer;

import io.baton.bench.engine.Subject;
import java.io.IOException;
import java.util.Map;
import tools.jackson.databind.JsonNode;

/** Something that moves a load; each answers with the same three figures. */
sealed interface Entrant {
    /** What it is called in results. */
    String label();

    /** Moves a load once. */
    Figures move(Load load) throws IOException, InterruptedException;

    /**
     * Microseconds of a question of 8 bytes with its answer, the median; NaN where there is none.
     */
    double roundTripMicros(int count) throws IOException, InterruptedException;

    /**
     * @param shape {@code message} or {@code chunk}
     * @param messages of each stream
     */
    record Load(String shape, int streams, int messages) {
        /** What it is called in results. */
        String label() {
            return "%s, %d stream%s"
                    .formatted(
                            shape.equals("message") ? "64 MiB" : "chunk of 256",
                            streams,
                            streams == 1 ? "" : "s");
        }

        Map<String, Object> question(String what, String wire, int run, String url) {
            return Map.of(
                    "do",
                    what,
                    "wire",
                    wire,
                    "url",
                    url,
                    "run",
                    run,
                    "shape",
                    shape,
                    "streams",
                    streams,
                    "messages",
                    messages);
        }
    }

    /** Of one measurement. */
    record Figures(double gigabytesPerSecond, double cpuSecondsPerGigabyte) {
        static Figures of(double bytes, double nanos, double cpuNanos) {
            return new Figures(bytes / nanos, cpuNanos / bytes);
        }
    }

    /** The answer, unless the process says that it failed. */
    static JsonNode ask(Subject subject, Map<String, Object> question)
            throws IOException, InterruptedException {
        JsonNode answer = subject.ask(question);
        if (answer.has("error")) {
            throw new IOException(answer.path("error").asString());
        }
        return answer;
    }

    /** The two processes of ours. */
    record Pair(Subject sending, Subject receiving) {
        double cpuNanos() throws IOException, InterruptedException {
            return ask(sending, Map.of("do", "cpu")).path("nanos").asDouble()
                    + ask(receiving, Map.of("do", "cpu")).path("nanos").asDouble();
        }
    }

    /** A channel of ours or a plain socket, between the two processes. */
    final class Wire implements Entrant {
        private final String label;
        private final String wire;
        private final Pair pair;
        private final String url;
        private int runs;

        /**
         * @throws IOException if it cannot be listened on
         */
        Wire(String label, String wire, Pair pair) throws IOException, InterruptedException {
            this.label = label;
            this.wire = wire;
            this.pair = pair;
            this.url =
                    ask(pair.receiving(), Map.of("do", "listen", "wire", wire))
                            .path("url")
                            .asString();
        }

        @Override
        public String label() {
            return label;
        }

        @Override
        public Figures move(Load load) throws IOException, InterruptedException {
            int run = ++runs;
            double cpu = pair.cpuNanos();
            ask(pair.receiving(), load.question("expect", wire, run, url));
            JsonNode sent = ask(pair.sending(), load.question("send", wire, run, url));
            JsonNode end = ask(pair.receiving(), Map.of("do", "await", "wire", wire));
            return Figures.of(
                    sent.path("bytes").asDouble(),
                    end.path("end").asLong() - sent.path("start").asLong(),
                    pair.cpuNanos() - cpu);
        }

        @Override
        public double roundTripMicros(int count) throws IOException, InterruptedException {
            return ask(
                                    pair.sending(),
                                    Map.of(
                                            "do",
                                            "roundTrips",
                                            "wire",
                                            wire,
                                            "url",
                                            url,
                                            "count",
                                            count))
                            .path("p50")
                            .asDouble()
                    / 1e3;
        }
    }

    /** A copy within one process. */
    record Copy(Pair pair) implements Entrant {
        @Override
        public String label() {
            return "memcpy";
        }

        @Override
        public Figures move(Load load) throws IOException, InterruptedException {
            double cpu = pair.cpuNanos();
            JsonNode done = ask(pair.sending(), load.question("copy", "", 0, ""));
            return Figures.of(
                    done.path("bytes").asDouble(),
                    done.path("end").asLong() - done.path("start").asLong(),
                    pair.cpuNanos() - cpu);
        }

        @Override
        public double roundTripMicros(int count) {
            return Double.NaN;
        }
    }

    /** Another project's engine, two processes of its own. */
    record Peer(Subject subject) implements Entrant {
        @Override
        public String label() {
            return subject.name();
        }

        @Override
        public Figures move(Load load) throws IOException, InterruptedException {
            JsonNode done = ask(subject, load.question("transfer", "", 0, ""));
            return Figures.of(
                    done.path("bytes").asDouble(),
                    done.path("seconds").asDouble() * 1e9,
                    done.path("cpuSeconds").asDouble() * 1e9);
        }

        @Override
        public double roundTripMicros(int count) throws IOException, InterruptedException {
            return ask(subject, Map.of("do", "roundTrips", "count", count)).path("p50").asDouble()
                    / 1e3;
        }
    }
}
