package io.baton.kv.channel;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.baton.kv.channel.cuda.CudaIpcChannelProvider;
import io.baton.kv.testkit.FakeCuda;
import java.net.URI;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.io.TempDir;

/** The contract over CUDA IPC, on a machine that is made up. */
final class CudaIpcChannelTest extends ChannelContractTest {
    private final FakeCuda machine = new FakeCuda(1, false);
    private final KvChannelProvider receiving = new CudaIpcChannelProvider(machine.process(), 0);
    private final KvChannelProvider sending = new CudaIpcChannelProvider(machine.process(), 0);

    @TempDir private Path folder;

    @Override
    URI url() {
        return URI.create("cuda-ipc://" + folder.resolve("contract"));
    }

    @Override
    KvChannelProvider provider() {
        return receiving;
    }

    @Override
    KvChannelProvider sendingProvider() {
        return sending;
    }

    /** Each takes 8 MiB of made-up memory. */
    @Override
    int openings() {
        return 200;
    }

    @Override
    void requireNothingLeft() {
        assertEquals(Map.of(), machine.live());
        assertEquals(List.of(), machine.violations());
    }
}
