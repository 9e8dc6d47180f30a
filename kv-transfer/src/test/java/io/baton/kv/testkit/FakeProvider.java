package io.baton.kv.testkit;

import io.baton.kv.channel.ChannelHandler;
import io.baton.kv.channel.ChannelOptions;
import io.baton.kv.channel.KvChannelProvider;
import java.net.URI;
import org.jspecify.annotations.Nullable;

/** A carrier that can be chosen and carries nothing. */
public record FakeProvider(String scheme, Reach reach, @Nullable String unwise)
        implements KvChannelProvider {
    public static FakeProvider of(String scheme, Reach reach) {
        return new FakeProvider(scheme, reach, null);
    }

    /** The same, but not to be used unasked. */
    public FakeProvider unwise(String why) {
        return new FakeProvider(scheme, reach, why);
    }

    @Override
    public @Nullable String unusable(boolean unasked) {
        return unasked ? unwise : null;
    }

    @Override
    public Listener listen(URI url, ChannelOptions options, ChannelHandler handler) {
        throw new AssertionError("nobody listens on " + url);
    }

    @Override
    public Connector connector(ChannelOptions options, ChannelHandler handler) {
        throw new AssertionError("nobody connects over " + scheme);
    }
}
