package io.baton.router.fake;

import io.baton.common.proto.Alive;
import io.baton.common.proto.GenerationSpec;
import io.baton.common.time.Timer;
import io.baton.common.worker.SignsOfLife;
import java.util.function.Consumer;

/** The signs of life of one fake call, until it ends or a script falls silent. */
final class FakeSigns {
    private final SignsOfLife signs;

    FakeSigns(Timer timer, GenerationSpec spec, Consumer<Alive> send) {
        signs = new SignsOfLife(timer, this::alone, () -> send.accept(Alive.getDefaultInstance()));
        alone(() -> signs.begin(spec.getAliveMillis()));
    }

    private synchronized void alone(Runnable task) {
        task.run();
    }

    /** No sign follows. */
    void end() {
        alone(signs::end);
    }
}
