package io.baton.deploy.cli;

import java.util.concurrent.CountDownLatch;
import sun.misc.Signal;

/**
 * Waits for Ctrl-C or SIGTERM so that the caller can drain and end with status 0. A second signal
 * ends the process at once with the status that a shell expects of it. The JDK has no other way to
 * answer a signal with something else than its own exit.
 */
final class Shutdown {
    private static final int SIGNAL_BASE = 128;

    private Shutdown() {}

    /** Returns when the process was asked to end. */
    static void await() throws InterruptedException {
        CountDownLatch asked = new CountDownLatch(1);
        for (String name : new String[] {"INT", "TERM"}) {
            Signal.handle(
                    new Signal(name),
                    signal -> {
                        if (asked.getCount() == 0) {
                            Runtime.getRuntime().halt(SIGNAL_BASE + signal.getNumber());
                        }
                        asked.countDown();
                    });
        }
        asked.await();
    }
}
