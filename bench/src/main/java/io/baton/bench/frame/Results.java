package io.baton.bench.frame;

import java.io.IOException;
import java.io.PrintStream;
import java.io.UncheckedIOException;
import java.io.Writer;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.ObjectMapper;

/** Writes rows as JSON lines to a file and as aligned text to a terminal. One thread. */
public final class Results implements AutoCloseable {
    private static final ObjectMapper JSON = new ObjectMapper();

    private final RunFacts facts;
    private final @Nullable Writer file;
    private final PrintStream terminal;

    public Results(RunFacts facts, @Nullable Writer file, PrintStream terminal) {
        this.facts = facts;
        this.file = file;
        this.terminal = terminal;
    }

    /** Adds a row. */
    public void add(Row row) {
        Map<String, Object> fields = new LinkedHashMap<>(row.fields());
        fields.put("commit", facts.commit());
        fields.put("cpu", facts.cpu());
        fields.put("jvm", facts.jvm());
        fields.put("load1m", facts.load1m());
        fields.put("at", facts.at());
        try {
            if (file != null) {
                file.write(JSON.writeValueAsString(fields));
                file.write('\n');
                file.flush();
            }
        } catch (IOException e) {
            throw new UncheckedIOException("cannot write the result file", e);
        }
        terminal.println(text(row));
    }

    private static String text(Row row) {
        Row.Spread value = row.value();
        StringBuilder line = new StringBuilder();
        line.append(
                String.format(
                        Locale.ROOT,
                        "%-34s %-28s %12.4g %-8s [%.4g .. %.4g] n=%d",
                        row.name().testCase(),
                        row.name().metric(),
                        value.median(),
                        row.unit(),
                        value.lo(),
                        value.hi(),
                        value.runs()));
        Row.Baseline baseline = row.baseline();
        if (baseline != null) {
            line.append(
                    String.format(
                            Locale.ROOT,
                            "  %.2fx of %s (%.4g)",
                            baseline.ratio(),
                            baseline.who(),
                            baseline.value()));
        }
        return line.toString();
    }

    @Override
    public void close() throws IOException {
        if (file != null) {
            file.close();
        }
    }
}
