package io.baton.bench.engine.child;

import io.baton.common.time.Pause;
import io.baton.common.time.Ticker;
import java.io.IOException;
import java.util.Map;

/**
 * Another program that takes half of one core: 5 ms of work, 5 ms of rest, for as long as it is
 * switched on.
 */
public final class ForeignLoad {
    private static final long HALF_NANOS = 5_000_000;

    private static volatile boolean on;

    private ForeignLoad() {}

    /** Answers {@code on} and {@code off}. */
    public static void main(String[] arguments) throws IOException {
        Thread.ofPlatform()
                .daemon()
                .name("foreign-load")
                .start(() -> work(Ticker.system(), Pause.system()));
        Lines.serve(
                Map.of("name", "foreign load"),
                question -> {
                    on = question.path("do").asString().equals("on");
                    return Map.of("on", on);
                });
    }

    private static void work(Ticker ticker, Pause pause) {
        try {
            while (true) {
                long until = ticker.nanos() + HALF_NANOS;
                while (on && ticker.nanos() - until < 0) {
                    Thread.onSpinWait();
                }
                pause.nanos(HALF_NANOS);
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}
