package io.baton.kv.channel;

import io.baton.kv.codec.KvCodec;
import java.util.List;

/**
 * The other end of an open channel.
 *
 * @param hello what it said
 * @param codecs codecs both ends know, the sender's favourite first; never empty
 */
public record Peer(Hello hello, List<KvCodec> codecs) {
    public Peer {
        codecs = List.copyOf(codecs);
    }
}
