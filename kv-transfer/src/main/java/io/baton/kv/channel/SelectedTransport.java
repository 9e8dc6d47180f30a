package io.baton.kv.channel;

import java.nio.channels.SelectionKey;
import java.nio.channels.SocketChannel;

/** A transport whose socket is registered with an {@link NioLoop}. */
public interface SelectedTransport extends ByteTransport {
    /** The socket. */
    SocketChannel socket();

    /** Called once, before the first use, on the loop's thread. */
    void attach(SelectionKey key, FramedChannel channel);

    /** The socket can be read or written as the key says. Loop's thread. */
    void onReady();
}
