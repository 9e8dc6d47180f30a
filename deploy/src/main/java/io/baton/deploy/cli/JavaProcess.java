package io.baton.deploy.cli;

import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/**
 * Starts this program again in a JVM of its own, with this JVM's class path and flags. The child
 * ends itself when its parent is gone, so that a killed parent leaves nothing behind.
 */
final class JavaProcess {
    /** Names the parent's process id to a child. */
    static final String PARENT_VARIABLE = "BATON_PARENT_PID";

    private JavaProcess() {}

    /**
     * Starts {@code baton arguments...}; standard output and error are this process's own error
     * stream's.
     */
    static Process start(List<String> arguments, Map<String, String> environment)
            throws IOException {
        List<String> command = new ArrayList<>();
        command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
        for (String flag : ManagementFactory.getRuntimeMXBean().getInputArguments()) {
            if (!flag.startsWith("-agent") && !flag.startsWith("-javaagent")) {
                command.add(flag);
            }
        }
        command.add("-cp");
        command.add(System.getProperty("java.class.path"));
        command.add(Main.class.getName());
        command.addAll(arguments);
        ProcessBuilder builder = new ProcessBuilder(command);
        builder.environment().putAll(environment);
        builder.environment().put(PARENT_VARIABLE, String.valueOf(ProcessHandle.current().pid()));
        builder.redirectError(ProcessBuilder.Redirect.INHERIT);
        return builder.start();
    }

    /** In a child: ends this process as soon as the parent has ended. */
    static void followParent(Map<String, String> environment) {
        String pid = environment.get(PARENT_VARIABLE);
        if (pid == null) {
            return;
        }
        ProcessHandle parent = ProcessHandle.of(Long.parseLong(pid)).orElse(null);
        if (parent == null) {
            Runtime.getRuntime().halt(ExitCode.RUNTIME);
            return;
        }
        parent.onExit().thenRun(() -> Runtime.getRuntime().halt(ExitCode.RUNTIME));
    }
}
