package io.baton.router.http;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.baton.common.error.BatonException;
import java.util.List;
import org.junit.jupiter.api.Test;

class ApiKeysTest {
    private static final String HASH_OF_ABC =
            "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

    @Test
    void hashedKeysAreTheSameAsTheirText() {
        ApiKeys hashed = ApiKeys.of(List.of(HASH_OF_ABC));
        assertEquals(ApiKeys.of(List.of("abc")).tenant("abc"), hashed.tenant("abc"));
        assertTrue(hashed.tenant("abd").isEmpty());
        assertTrue(hashed.tenant(HASH_OF_ABC).isEmpty(), "the hash is not the key");
        assertTrue(hashed.tenant(null).isEmpty());
    }

    @Test
    void withoutKeysEveryoneIsAnonymous() {
        ApiKeys none = ApiKeys.of(List.of());
        assertFalse(none.areSet());
        assertEquals(ApiKeys.ANONYMOUS, none.tenant(null).orElseThrow());
        assertEquals(ApiKeys.ANONYMOUS, none.tenant("x").orElseThrow());
    }

    @Test
    void malformedHashesAreRefused() {
        for (String key : List.of("sha256:", "sha256:abc", "sha256:zz")) {
            assertThrows(BatonException.class, () -> ApiKeys.of(List.of(key)));
        }
    }
}
