package io.baton.kv.transfer;

import io.baton.kv.codec.KvCodec;
import io.baton.kv.codec.KvProfiles;

/**
 * The profiles of a worker's transfers.
 *
 * @param known those that may be used; what senders bring is added
 * @param setting how KV is coded that is sent, as far as the agreed codec can: level and profile
 */
public record ProfileUse(KvProfiles known, KvCodec.Setting setting) {
    /** No profile, level 0; profiles that senders bring are kept in memory. */
    public static ProfileUse none() {
        return new ProfileUse(KvProfiles.inMemory(), KvCodec.Setting.PLAIN);
    }

    /** The setting for a codec: a level that it has, and a profile that it knows. */
    KvCodec.Setting settingFor(KvCodec codec) {
        int level = Math.min(setting.level(), codec.maxLevel());
        return new KvCodec.Setting(
                level, codec.knowsProfile(setting.profile()) ? setting.profile() : 0);
    }
}
