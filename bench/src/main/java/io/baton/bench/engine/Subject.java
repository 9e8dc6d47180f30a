package io.baton.bench.engine;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.io.Writer;
import java.lang.management.ManagementFactory;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.ObjectMapper;

/**
 * A process that is asked for one measurement at a time, a JSON line each way. Its error stream is
 * ours. One thread at a time.
 */
public final class Subject implements AutoCloseable {
    private static final ObjectMapper JSON = new ObjectMapper();
    private static final long LIMIT_MINUTES = 20;
    private static final long END_SECONDS = 10;

    private final Process process;
    private final BufferedReader answers;
    private final Writer questions;
    private final ExecutorService reader = Executors.newVirtualThreadPerTaskExecutor();
    private final JsonNode hello;

    private Subject(List<String> command) throws IOException, InterruptedException {
        process =
                new ProcessBuilder(command).redirectError(ProcessBuilder.Redirect.INHERIT).start();
        answers = process.inputReader(StandardCharsets.UTF_8);
        questions = process.outputWriter(StandardCharsets.UTF_8);
        try {
            hello = read();
        } catch (IOException e) {
            close();
            throw e;
        }
    }

    /**
     * Starts it and waits until it has loaded.
     *
     * @throws IOException if it ends before or does not answer
     */
    public static Subject start(List<String> command) throws IOException, InterruptedException {
        return new Subject(command);
    }

    /** What it said of itself when it had loaded. */
    public JsonNode hello() {
        return hello;
    }

    public String name() {
        return hello.path("name").asString();
    }

    long pid() {
        return process.pid();
    }

    public JsonNode ask(Map<String, Object> question) throws IOException, InterruptedException {
        questions.write(JSON.writeValueAsString(question));
        questions.write('\n');
        questions.flush();
        return read();
    }

    private JsonNode read() throws IOException, InterruptedException {
        Future<String> line = reader.submit(this::readLine);
        try {
            String text = line.get(LIMIT_MINUTES, TimeUnit.MINUTES);
            if (text.isEmpty()) {
                throw new IOException("it ended; its own words are above");
            }
            return JSON.readTree(text);
        } catch (ExecutionException e) {
            throw new IOException("it could not be read", e);
        } catch (TimeoutException e) {
            throw new IOException("no answer within %d minutes".formatted(LIMIT_MINUTES), e);
        }
    }

    private String readLine() {
        try {
            String line = answers.readLine();
            return line == null ? "" : line;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    @Override
    public void close() {
        try {
            questions.close();
            if (!process.waitFor(END_SECONDS, TimeUnit.SECONDS)) {
                process.destroyForcibly();
            }
        } catch (IOException e) {
            // The pipe of a process that has ended.
            process.destroyForcibly();
        } catch (InterruptedException e) {
            process.destroyForcibly();
            Thread.currentThread().interrupt();
        }
        reader.close();
    }

    /** A JVM with this one's class path and flags. */
    public static List<String> java(Class<?> main, String... arguments) {
        List<String> command = new ArrayList<>();
        command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
        for (String flag : ManagementFactory.getRuntimeMXBean().getInputArguments()) {
            if (!flag.startsWith("-agent") && !flag.startsWith("-javaagent")) {
                command.add(flag);
            }
        }
        command.addAll(List.of("-cp", System.getProperty("java.class.path"), main.getName()));
        command.addAll(List.of(arguments));
        return command;
    }
}
