package io.baton.bench.frame;

/** A benchmark suite. It writes rows and says whether its own pass rule holds. */
public interface Suite {
    /** The name on the command line. */
    String name();

    /** One line for {@code --help}: what it measures, and its pass rule. */
    String summary();

    /**
     * Runs it.
     *
     * @return whether the suite's pass rule holds
     * @throws Exception when it could not measure at all
     */
    boolean run(SuiteContext context) throws Exception;
}
