package io.baton.common.model;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.baton.common.error.BatonException;
import io.baton.common.error.ErrorCode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class ModelStoreTest {
    @TempDir Path folder;

    @Test
    void theFolderIsTheUsersOwnChoiceFirst() {
        Path home = Path.of("/h");
        assertEquals(
                Path.of("/b"),
                ModelStore.ofUser(Map.of("BATON_HOME", "/b", "XDG_CACHE_HOME", "/x"), home)
                        .folder());
        assertEquals(
                Path.of("/x/baton"),
                ModelStore.ofUser(Map.of("XDG_CACHE_HOME", "/x"), home).folder());
        assertEquals(Path.of("/h/.cache/baton"), ModelStore.ofUser(Map.of(), home).folder());
    }

    @Test
    void aFileOrAFolderWithOneFileIsTaken() throws IOException {
        Path file = folder.resolve("My-Model.gguf");
        TinyModel.llama().write(file);
        ModelStore store = new ModelStore(folder.resolve("store"));
        StoredModel byFile = store.resolve(file.toString());
        assertEquals("My-Model", byFile.name());
        assertEquals(Files.size(file), byFile.bytes());
        assertEquals(byFile, store.resolve(folder.toString()));
        Files.copy(file, folder.resolve("other.gguf"));
        BatonException error =
                assertThrows(BatonException.class, () -> store.resolve(folder.toString()));
        assertTrue(error.text().contains("My-Model.gguf, other.gguf"), error.text());
    }

    @Test
    void whatIsNotThereNamesTheCommandThatPullsIt() {
        ModelStore store = new ModelStore(folder);
        assertNotFound("baton model pull smollm2-135m", () -> store.resolve("SmolLM2"));
        assertNotFound("baton model pull o/r:f.gguf", () -> store.resolve("o/r:f.gguf"));
        assertNotFound("no catalogue name", () -> store.resolve("nope"));
        assertNotFound("no .gguf file", () -> store.resolve(folder.toString()));
        assertEquals(List.of(), store.list());
    }

    @Test
    void aFileOfAnotherSizeThanItsManifestIsNotTaken() throws IOException {
        ModelStore store = new ModelStore(folder);
        CatalogueModel model = ModelCatalogue.defaultModel();
        Path place = store.place(model);
        Files.createDirectories(place.getParent());
        Files.write(place, new byte[10]);
        assertEquals(Optional.empty(), store.find(model));
        store.recordPull(place, new ModelStore.Manifest("m", 10, "ab", "hub", "l", "t"));
        assertEquals("m", store.find(model).orElseThrow().name());
        Files.write(place, new byte[9]);
        assertEquals(Optional.empty(), store.find(model));
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "../x",
                "a/..",
                "a/b/c",
                "/a/b",
                "a",
                "a/b:../c.gguf",
                "a/b:c",
                "a/b:/c.gguf",
                "a/b:c/../d.gguf",
                "a /b",
                "a/b?x=1:c.gguf",
                "a/b:c%2e.gguf"
            })
    void whatIsNoHubIdIsNotTakenForOne(String text) {
        assertEquals(Optional.empty(), HubId.parse(text));
    }

    @Test
    void hubIdsAreRead() {
        assertEquals(
                Optional.of(new HubId("o", "r.x-1", Optional.empty())), HubId.parse("o/r.x-1"));
        assertEquals(
                Optional.of(new HubId("o", "r", Optional.of("q/F-1.gguf"))),
                HubId.parse("o/r:q/F-1.gguf"));
    }

    @Test
    void theCatalogueIsSound() {
        Set<String> names = new HashSet<>();
        for (CatalogueModel model : ModelCatalogue.all()) {
            assertTrue(names.add(model.name()));
            model.aliases().forEach(alias -> assertTrue(names.add(alias), alias));
            assertEquals(Optional.of(model), ModelCatalogue.find(model.name()));
            assertFalse(model.sources().isEmpty());
            for (ModelSource source : model.sources()) {
                assertTrue(source.sha256().matches("[0-9a-f]{64}"));
                assertTrue(source.bytes() > 0);
            }
        }
        assertEquals("smollm2-135m", ModelCatalogue.defaultModel().name());
    }

    private static void assertNotFound(
            String says, org.junit.jupiter.api.function.Executable action) {
        BatonException error = assertThrows(BatonException.class, action);
        assertEquals(ErrorCode.MODEL_NOT_FOUND, error.code());
        assertTrue(error.text().contains(says), error.text());
    }
}
