package io.baton.common.worker;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

class OpenPartsTest {
    @Test
    void partsCloseOnceInReverseOrderWhateverOneDoes() {
        List<String> closed = new ArrayList<>();
        OpenParts parts = new OpenParts();
        parts.add(() -> closed.add("first"));
        parts.add(
                () -> {
                    throw new IllegalStateException("cannot close");
                });
        parts.add(() -> closed.add("last"));
        parts.close();
        parts.close();
        assertEquals(List.of("last", "first"), closed);
    }
}
