package io.baton.deploy;

import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.classes;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import com.tngtech.archunit.core.importer.ImportOption;
import com.tngtech.archunit.lang.ArchRule;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;

/** Keeps the arrows of docs/architecture.md. */
class ArrowsTest {
    /** Room to the rooms it may depend on. */
    private static final Map<String, List<String>> ARROWS =
            Map.of(
                    "common", List.of(),
                    "kernels", List.of("common"),
                    "engine", List.of("kernels", "common"),
                    "kv", List.of("common", "kernels"),
                    "prefiller", List.of("engine", "kv", "kernels", "common"),
                    "decoder", List.of("engine", "kv", "kernels", "common"),
                    "router", List.of("common"),
                    "bench", List.of("router", "engine", "kv", "kernels", "common"));

    private static JavaClasses classes;

    @BeforeAll
    static void read() {
        classes =
                new ClassFileImporter()
                        .withImportOption(ImportOption.Predefined.DO_NOT_INCLUDE_TESTS)
                        .importPackages("io.baton");
    }

    @Test
    void everyRoomWasRead() {
        for (String room : ARROWS.keySet()) {
            assertTrue(
                    classes.stream()
                            .anyMatch(c -> c.getPackageName().startsWith("io.baton." + room)),
                    room);
        }
    }

    @TestFactory
    Stream<DynamicTest> roomsDependOnlyAlongArrows() {
        return ARROWS.entrySet().stream()
                .map(
                        arrow ->
                                DynamicTest.dynamicTest(
                                        arrow.getKey(),
                                        () ->
                                                rule(arrow.getKey(), arrow.getValue())
                                                        .check(classes)));
    }

    private static ArchRule rule(String room, List<String> allowed) {
        List<String> forbidden =
                Stream.concat(ARROWS.keySet().stream(), Stream.of("deploy"))
                        .filter(other -> !other.equals(room) && !allowed.contains(other))
                        .map(other -> "io.baton." + other + "..")
                        .toList();
        return noClasses()
                .that()
                .resideInAPackage("io.baton." + room + "..")
                .should()
                .dependOnClassesThat()
                .resideInAnyPackage(forbidden.toArray(String[]::new))
                .allowEmptyShould(false);
    }

    @Test
    void routeDecisionsArePure() {
        noClasses()
                .that()
                .resideInAPackage("io.baton.router.route..")
                .should()
                .dependOnClassesThat()
                .resideInAnyPackage(
                        "io.vertx..", "io.grpc..", "io.netty..", "io.baton.common.proto..")
                .check(classes);
    }

    @Test
    void theEnginesSchedulerAndPoolNeedNoKernels() {
        noClasses()
                .that()
                .haveSimpleNameStartingWith("Scheduler")
                .or()
                .haveSimpleName("KvPool")
                .should()
                .dependOnClassesThat()
                .haveFullyQualifiedName("io.baton.kernels.Kernels")
                .check(classes);
    }

    @Test
    void timeAndChanceAreInjected() {
        noClasses()
                .that()
                .resideOutsideOfPackages("io.baton.deploy..", "io.baton.bench..")
                .should()
                .callMethod(System.class, "currentTimeMillis")
                .orShould()
                .callMethod(Math.class, "random")
                .orShould()
                .callConstructor(java.util.Random.class)
                .orShould()
                .callMethod(Thread.class, "sleep", long.class)
                .orShould()
                .callMethod(Thread.class, "sleep", java.time.Duration.class)
                .check(classes);
    }

    @Test
    void noForeignAcceleratorTypesInSignatures() {
        noClasses()
                .that()
                .arePublic()
                .should()
                .dependOnClassesThat()
                .resideInAnyPackage("jcuda..", "org.openucx..")
                .check(classes);
    }

    @Test
    void packagesAreNullMarked() {
        classes()
                .that()
                .haveSimpleName("package-info")
                .and()
                .resideInAPackage("io.baton..")
                .should()
                .beAnnotatedWith(org.jspecify.annotations.NullMarked.class)
                .check(classes);
    }
}
