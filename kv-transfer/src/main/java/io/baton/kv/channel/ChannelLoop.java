package io.baton.kv.channel;

/** The one I/O thread of a listener or connector, as its channels see it. */
public interface ChannelLoop {
    /** Runs on the loop's thread, soon; after the loop has ended, at once on the caller's. */
    void execute(Runnable task);

    /** All channels of this loop. */
    ChannelGroup group();
}
