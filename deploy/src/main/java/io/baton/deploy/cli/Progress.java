package io.baton.deploy.cli;

import java.io.PrintStream;
import me.tongfei.progressbar.ProgressBar;
import me.tongfei.progressbar.ProgressBarBuilder;
import me.tongfei.progressbar.ProgressBarStyle;
import org.jspecify.annotations.Nullable;

/**
 * Shows how far something long has come, on stderr: a bar on a terminal, else a line every ten per
 * cent. One thread.
 */
final class Progress implements AutoCloseable {
    private final PrintStream log;
    private final boolean terminal;
    private @Nullable ProgressBar bar;
    private String task = "";
    private int tenths = -1;

    private Progress(PrintStream log, boolean terminal) {
        this.log = log;
        this.terminal = terminal;
    }

    static Progress onTerminal() {
        return new Progress(System.err, System.console() != null && System.console().isTerminal());
    }

    /**
     * Says that {@code done} of {@code total} bytes of a task are done; {@code total} may be -1 for
     * unknown.
     */
    void bytes(String name, long done, long total) {
        if (!name.equals(task)) {
            close();
            task = name;
            tenths = -1;
            if (terminal) {
                bar =
                        new ProgressBarBuilder()
                                .setTaskName(name)
                                .setInitialMax(total)
                                .setUnit(" MiB", 1 << 20)
                                .setStyle(ProgressBarStyle.ASCII)
                                .build();
            }
        }
        if (bar != null) {
            bar.stepTo(done);
        } else if (total > 0 && done * 10 / total > tenths) {
            tenths = (int) (done * 10 / total);
            log.printf("baton: %s %d%% of %d MiB%n", name, tenths * 10, total >> 20);
        }
    }

    /** One line about what is being done. */
    void line(String text) {
        close();
        log.println("baton: " + text);
    }

    @Override
    public void close() {
        if (bar != null) {
            bar.close();
            bar = null;
        }
    }
}
