package io.baton.common;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;

import io.baton.common.kv.KeyChain;
import io.baton.common.kv.KvDtype;
import io.baton.common.kv.KvLayout;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;

class KeyChainTest {
    private static final KvLayout LAYOUT = new KvLayout(2, 1, 8, KvDtype.BF16, 16);

    private static KeyChain.Root root(String fingerprint, KvLayout layout, String form, int salt) {
        return new KeyChain.Root(
                fingerprint, layout, form, "reference:java:1", new byte[] {(byte) salt});
    }

    @Test
    void everyFieldOfTheRootChangesTheKey() {
        Set<Object> roots = new HashSet<>();
        roots.add(KeyChain.of(root("a", LAYOUT, "exact", 1)).root());
        roots.add(KeyChain.of(root("b", LAYOUT, "exact", 1)).root());
        roots.add(KeyChain.of(root("a", LAYOUT, "tolerant", 1)).root());
        roots.add(KeyChain.of(root("a", LAYOUT, "exact", 2)).root());
        roots.add(
                KeyChain.of(root("a", new KvLayout(2, 1, 8, KvDtype.F16, 16), "exact", 1)).root());
        roots.add(
                KeyChain.of(root("a", new KvLayout(1, 2, 8, KvDtype.BF16, 16), "exact", 1)).root());
        assertEquals(6, roots.size());
    }

    @Test
    void keysCoverFullBlocksAndTheirWholePrefix() {
        KeyChain chain = KeyChain.of(root("a", LAYOUT, "exact", 1));
        int[] tokens = new int[40];
        List<?> keys = chain.keys(tokens);
        assertEquals(2, keys.size());
        tokens[3] = 7;
        List<?> others = chain.keys(tokens);
        assertNotEquals(keys.get(0), others.get(0));
        assertNotEquals(keys.get(1), others.get(1));
        tokens[3] = 0;
        tokens[35] = 9;
        assertEquals(keys, chain.keys(tokens));
    }
}
