package io.baton.deploy.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The real launcher script over a JDK that writes down how it was called. */
class LauncherTest {
    /** Prints its arguments; writes the cache that it is asked for unless told to fail. */
    private static final String JAVA =
            """
            #!/usr/bin/env bash
            printf '%s\\n' "$@"
            for argument; do
              case "$argument" in
                -XX:AOTCacheOutput=*)
                  if [ "${FAKE_FAILS:-}" = yes ]; then echo 'no room'; exit 1; fi
                  echo recorded >"${argument#*=}" ;;
              esac
            done
            """;

    @TempDir private Path root;
    private Path target;
    private Path jar;

    private record Result(int status, String out) {
        boolean uses(String flag) {
            return out.lines().anyMatch(line -> line.startsWith(flag));
        }
    }

    @BeforeEach
    void install() throws IOException {
        Path script = Path.of("").toAbsolutePath().resolveSibling("baton");
        Files.copy(script, root.resolve("baton"));
        Path kernels = root.resolve("native/target/classes/native");
        for (String machine : List.of("linux-x86_64", "linux-aarch64", "darwin-arm64")) {
            Files.createDirectories(kernels.resolve(machine));
            Files.createFile(kernels.resolve(machine).resolve("libbaton_kernels.so"));
        }
        executable(Files.createDirectories(root.resolve("jdk/bin")).resolve("java"), JAVA);
        Files.writeString(
                root.resolve("jdk/release"),
                """
                JAVA_VERSION="25.0.9"
                JAVA_RUNTIME_VERSION="25.0.9+1-test"
                MODULES="java.base jdk.incubator.vector"
                """);
        target = Files.createDirectories(root.resolve("deploy/target"));
        jar = target.resolve("baton.jar");
        Files.writeString(jar, "one jar");
    }

    private static void executable(Path file, String text) throws IOException {
        Files.writeString(file, text);
        Files.setPosixFilePermissions(file, PosixFilePermissions.fromString("rwxr-xr-x"));
    }

    private Result baton(Map<String, String> environment, String... arguments) throws Exception {
        List<String> command = new ArrayList<>(List.of("bash", "baton"));
        command.addAll(List.of(arguments));
        ProcessBuilder builder = new ProcessBuilder(command).directory(root.toFile());
        builder.environment().keySet().removeIf(name -> name.startsWith("BATON_"));
        builder.environment().put("BATON_JAVA_HOME", root.resolve("jdk").toString());
        builder.environment().putAll(environment);
        Process process = builder.redirectErrorStream(true).start();
        String out = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        assertTrue(process.waitFor(20, TimeUnit.SECONDS));
        return new Result(process.exitValue(), out);
    }

    private List<String> caches(Path folder) throws IOException {
        try (var files = Files.list(folder)) {
            return files.map(file -> file.getFileName().toString())
                    .filter(name -> name.contains(".aot"))
                    .sorted()
                    .toList();
        }
    }

    @Test
    void startsWithTheCacheThatWasPreparedForThisJarAndJava() throws Exception {
        assertFalse(baton(Map.of(), "up").uses("-XX:AOTCache"));
        assertEquals(0, baton(Map.of(), "prepare").status());
        Result start = baton(Map.of(), "up", "--demo");
        String cache = target.resolve(caches(target).getFirst()).toString();
        assertTrue(start.out().contains("-XX:AOTCache=" + cache + "\n"), start.out());
        assertTrue(start.out().endsWith("up\n--demo\n"), start.out());
        assertTrue(cache.endsWith("25.0.9+1-test.aot"), cache);
        assertFalse(baton(Map.of("BATON_AOT_CACHE", "off"), "up").uses("-XX:AOTCache"));
        assertFalse(
                baton(Map.of("BATON_JAVA_OPTS", "-XX:AOTMode=off"), "up").uses("-XX:AOTCache="));
        Result vector = baton(Map.of(), "up", "--kernels", "vector");
        assertTrue(vector.uses("--add-modules"));
        assertFalse(vector.uses("-XX:AOTCache"));
    }

    @Test
    void aCollectorOfTheUsersOwnReplacesOurs() throws Exception {
        assertTrue(baton(Map.of(), "up").uses("-XX:+UseG1GC"));
        Result own = baton(Map.of("BATON_JAVA_OPTS", "-Xss1m -XX:+UseZGC"), "up");
        assertTrue(own.uses("-XX:+UseZGC"));
        assertFalse(own.uses("-XX:+UseG1GC"));
    }

    @Test
    void anotherJarOrAnotherJavaNeverMeetsTheCache() throws Exception {
        baton(Map.of(), "prepare");
        Files.writeString(jar, "two jar");
        assertFalse(baton(Map.of(), "up").uses("-XX:AOTCache"));
        Files.writeString(jar, "one jar");
        assertTrue(baton(Map.of(), "up").uses("-XX:AOTCache"));
        Files.writeString(root.resolve("jdk/release"), "JAVA_VERSION=\"25.0.8\"\n");
        assertFalse(baton(Map.of(), "up").uses("-XX:AOTCache"));
        // What can serve nobody any more goes when the next one comes.
        baton(Map.of(), "prepare");
        assertEquals(1, caches(target).size());
    }

    @Test
    void aFailureLeavesNothingBehindAndStartsGoOn() throws Exception {
        Result failed = baton(Map.of("FAKE_FAILS", "yes"), "prepare");
        assertEquals(1, failed.status());
        assertTrue(failed.out().contains("no room"), failed.out());
        assertEquals(List.of(), caches(target));
        assertEquals(0, baton(Map.of(), "up").status());
        Path blocked = Files.writeString(root.resolve("file"), "");
        Map<String, String> nowhere = Map.of("BATON_AOT_CACHE", blocked.toString());
        Result refused = baton(nowhere, "prepare");
        assertEquals(1, refused.status());
        assertTrue(refused.out().contains("cannot be written"), refused.out());
        assertEquals(0, baton(nowhere, "up").status());
        assertEquals(1, baton(Map.of("BATON_AOT_CACHE", "off"), "prepare").status());
    }

    @Test
    void aFolderOfTheUsersOwnKeepsTheCachesOfOthers() throws Exception {
        Path folder = root.resolve("shared");
        Map<String, String> there = Map.of("BATON_AOT_CACHE", folder.toString());
        baton(there, "prepare");
        Files.writeString(jar, "two jar");
        assertEquals(0, baton(there, "prepare").status());
        assertEquals(2, caches(folder).size());
        assertTrue(baton(there, "up").uses("-XX:AOTCache=" + folder));
    }
}
