package io.baton.kv.transfer;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.baton.common.config.Configuration;
import io.baton.common.error.BatonException;
import io.baton.common.error.ErrorCode;
import io.baton.common.worker.WorkerOptions;
import io.baton.kv.channel.Hello;
import io.baton.kv.codec.KvProfile;
import io.baton.kv.testkit.Kv;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class TransferSetupTest {
    @TempDir Path folder = Path.of("unset");

    private Path profile(String section) throws IOException {
        Hello hello = Kv.sending(Kv.SMALL).channel().hello();
        KvProfile.Model model =
                new KvProfile.Model(
                        hello.fingerprint(),
                        hello.layout().layers(),
                        hello.layout().kvHeads(),
                        hello.layout().headDim());
        Path file = folder.resolve(section + ".kvprofile");
        KvProfile.make(model, Map.of(section, MemorySegment.ofArray(new byte[8]))).write(file);
        return file;
    }

    private static TransferOptions setUp(Path profile) {
        Configuration configuration =
                Configuration.of(
                        Map.of(
                                "kv.codec", "klt",
                                "kv.sameness", "tolerant",
                                "kv.profile", profile.toString()));
        TransferOptions sending = Kv.sending(Kv.SMALL);
        return TransferSetup.options(
                WorkerOptions.of(configuration, "w", "m", 64),
                sending.channel().hello(),
                sending.channel().ticker());
    }

    @Test
    void aProfileFileWithoutTheCodecsSectionIsRefusedAtTheStart() throws IOException {
        Path without = profile("cachegen");
        BatonException refused = assertThrows(BatonException.class, () -> setUp(without));
        assertEquals(ErrorCode.CONFIGURATION, refused.code());
        assertTrue(refused.text().contains("baton kv profile"), refused.text());
        assertEquals(
                KvProfile.read(profile("klt")).id(),
                setUp(profile("klt")).coding().setting().profile());
    }
}
