package io.baton.deploy.cli;

import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;

/**
 * Waits for Ctrl-C or SIGTERM and lets the caller drain before the JVM ends: the shutdown hook holds the JVM until the
 * main thread has called {@link #done}, or a minute has passed.
 */
final class Shutdown {
    private static final CountDownLatch ASKED = new CountDownLatch(1);
    private static final CountDownLatch DONE = new CountDownLatch(1);
    private static final long HOLD_SECONDS = 60;

    private Shutdown() {}

    /** Returns when the process was asked to end. */
    static void await() throws InterruptedException {
        Runtime.getRuntime().addShutdownHook(new Thread(Shutdown::hold, "baton-shutdown"));
        ASKED.await();
    }

    /** Says that everything is closed. */
    static void done() {
        DONE.countDown();
    }

    private static void hold() {
        ASKED.countDown();
        try {
            DONE.await(HOLD_SECONDS, TimeUnit.SECONDS);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}
