package io.baton.kv.transfer;

import io.baton.kv.channel.Peer;
import io.baton.kv.codec.KvCodec;
import io.baton.kv.codec.KvProfiles;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;

/**
 * How a worker codes KV that it sends.
 *
 * @param known profiles that may be used; what senders bring is added
 * @param setting level and profile of the favourite codec, as far as the agreed one has them; the
 *     coarsest way where levels adapt
 * @param adaptive whether each chunk goes the way that fits the link; then nothing is coded that
 *     stays on the machine
 */
public record SendCoding(KvProfiles known, KvCodec.Setting setting, boolean adaptive) {
    /** No profile, level 0, always alike; profiles that senders bring are kept in memory. */
    public static SendCoding plain() {
        return new SendCoding(KvProfiles.inMemory(), KvCodec.Setting.PLAIN, false);
    }

    /** The setting for a codec: a level that it has, and a profile that it knows. */
    KvCodec.Setting settingFor(KvCodec codec) {
        int level = Math.min(setting.level(), codec.maxLevel());
        return new KvCodec.Setting(
                level, codec.knowsProfile(setting.profile()) ? setting.profile() : 0);
    }

    /**
     * The ways to a peer, the finest first; the last one is what the settings name, but over
     * carriers that do not leave the machine.
     */
    List<SendWay> ways(Peer peer, Carrier carrier) {
        KvCodec favourite = peer.codecs().getFirst();
        KvCodec.Setting coarsest = settingFor(favourite);
        SendWay last = SendWay.of(favourite, coarsest);
        if (!adaptive) {
            return List.of(last);
        }
        List<SendWay> ways = new ArrayList<>();
        for (KvCodec codec : peer.codecs()) {
            SendWay whole = SendWay.of(codec, KvCodec.Setting.PLAIN);
            // Codecs with levels are there for who asks for them; the others cost nothing to have.
            if (codec != favourite
                    && codec.maxLevel() == 0
                    && whole.expected().ratio() < last.expected().ratio()) {
                ways.add(whole);
            }
        }
        ways.sort(Comparator.comparingDouble(way -> way.expected().ratio()));
        if (carrier.isLocal() && !ways.isEmpty()) {
            return List.of(ways.getFirst());
        }
        for (int level = 0; level <= coarsest.level(); level++) {
            ways.add(SendWay.of(favourite, new KvCodec.Setting(level, coarsest.profile())));
        }
        return List.copyOf(ways);
    }
}
