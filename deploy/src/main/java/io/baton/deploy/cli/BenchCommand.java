package io.baton.deploy.cli;

import io.baton.bench.engine.EngineSuite;
import io.baton.bench.frame.Results;
import io.baton.bench.frame.RunFacts;
import io.baton.bench.frame.Suite;
import io.baton.bench.frame.SuiteContext;
import io.baton.bench.stream.StreamSuite;
import io.baton.bench.suite.CancelSuite;
import io.baton.bench.suite.CodecSuite;
import io.baton.bench.suite.HolSuite;
import io.baton.bench.suite.LiveSuite;
import io.baton.bench.suite.LogitsSuite;
import io.baton.bench.suite.SamenessSuite;
import io.baton.bench.suite.ServeSuite;
import io.baton.bench.suite.SpeculateSuite;
import io.baton.bench.transfer.TransferSuite;
import io.baton.common.error.BatonException;
import io.baton.common.error.ErrorCode;
import io.baton.common.time.Pause;
import java.io.Writer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code baton bench SUITE}: runs a benchmark suite; ends with 1 when its pass rule fails. */
@Command(
        name = "bench",
        description = "Measures; see docs/benchmarks.md.",
        mixinStandardHelpOptions = true)
final class BenchCommand implements Callable<Integer> {
    @Parameters(
            paramLabel = "SUITE",
            description =
                    "One of: sameness, serve, cancel, logits, engine, hol, speculate, codec,"
                            + " transfer, stream, live.")
    private String suite = "";

    @Option(
            names = "--json",
            paramLabel = "FILE",
            description = "Writes one JSON object per result.")
    private @Nullable Path json;

    @Option(
            names = "--quick",
            description = "The same metrics in at most a minute, with wider intervals.")
    private boolean quick;

    @Option(names = "--set", paramLabel = "NAME=VALUE", description = "An option of the suite.")
    private Map<String, String> options = Map.of();

    @Option(
            names = "--quality",
            description = "codec: what loss does to answers, instead of sizes and speeds.")
    private boolean quality;

    @Override
    public Integer call() throws Exception {
        Path root = root();
        List<Suite> suites =
                List.of(
                        new SamenessSuite(),
                        new ServeSuite(root),
                        new CancelSuite(),
                        new LogitsSuite(),
                        new EngineSuite(root, Pause.system()),
                        new HolSuite(),
                        new SpeculateSuite(),
                        new CodecSuite(),
                        new TransferSuite(root),
                        new StreamSuite(),
                        new LiveSuite());
        Suite chosen =
                suites.stream()
                        .filter(candidate -> candidate.name().equals(suite))
                        .findFirst()
                        .orElseThrow(
                                () ->
                                        new BatonException(
                                                ErrorCode.INVALID_VALUE,
                                                "There is no suite %s; there are: %s"
                                                        .formatted(
                                                                suite,
                                                                suites.stream()
                                                                        .map(
                                                                                s ->
                                                                                        "\n  "
                                                                                                + s
                                                                                                        .name()
                                                                                                + ": "
                                                                                                + s
                                                                                                        .summary())
                                                                        .toList())));
        System.err.println(chosen.name() + ": " + chosen.summary());
        Writer file = json == null ? null : Files.newBufferedWriter(json);
        try (Results results = new Results(RunFacts.read(root), file, System.out)) {
            Map<String, String> all = new HashMap<>(options);
            if (quality) {
                all.put("quality", "true");
            }
            boolean pass =
                    chosen.run(new SuiteContext(quick, all, results, UpProcess.launcher(Map.of())));
            System.out.println(pass ? "pass" : "FAIL");
            return pass ? ExitCode.OK : ExitCode.RUNTIME;
        }
    }

    /** The checkout, as the launcher knows it; else the current folder. */
    private static Path root() {
        String launcher = System.getenv("BATON_LAUNCHER");
        Path parent = launcher == null ? null : Path.of(launcher).getParent();
        return parent == null ? Path.of("").toAbsolutePath() : parent;
    }
}
