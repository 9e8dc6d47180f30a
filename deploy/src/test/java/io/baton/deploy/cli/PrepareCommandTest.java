package io.baton.deploy.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;

import org.junit.jupiter.api.Test;

class PrepareCommandTest {
    @Test
    void servesTheDemoModelInBothShapesAndEnds() {
        assertEquals(ExitCode.OK, Main.run("prepare"));
    }
}
