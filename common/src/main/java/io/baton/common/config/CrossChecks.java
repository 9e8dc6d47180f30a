package io.baton.common.config;

import io.baton.common.error.BatonException;
import io.baton.common.error.ErrorCode;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/** What settings must hold together. */
final class CrossChecks {
    private static final int BLOCK_TOKENS = 16;
    private static final Set<String> LOOPBACK = Set.of("localhost", "::1", "[::1]");

    private CrossChecks() {}

    static void check(Configuration config) {
        if (config.get(KvSettings.CHUNK_TOKENS) % BLOCK_TOKENS != 0) {
            throw wrong(KvSettings.CHUNK_TOKENS, "a multiple of 16 is wanted", config);
        }
        if (config.get(ClusterSettings.LEASE)
                        .compareTo(config.get(ClusterSettings.HEARTBEAT).multipliedBy(2))
                < 0) {
            throw wrong(
                    ClusterSettings.LEASE,
                    "at least twice cluster.heartbeat (%s) is wanted"
                            .formatted(config.text(ClusterSettings.HEARTBEAT)),
                    config);
        }
        List<Setting<Optional<Path>>> tls =
                List.of(KvSettings.TLS_CERTIFICATE, KvSettings.TLS_KEY, KvSettings.TLS_CA);
        long set = tls.stream().filter(setting -> config.get(setting).isPresent()).count();
        for (Setting<Optional<Path>> setting : tls) {
            if (set > 0 && config.get(setting).isEmpty()) {
                throw wrong(setting, "all three of kv.tls are wanted, or none", config);
            }
        }
        if (config.get(ClusterSettings.TOKEN).isEmpty()) {
            requireLoopback(ClusterSettings.CONTROL_HOST, config);
            if (config.get(KvSettings.TLS_KEY).isEmpty()) {
                requireLoopback(KvSettings.HOST, config);
            }
        }
    }

    private static void requireLoopback(Setting<String> setting, Configuration config) {
        if (!isLoopback(config.get(setting))) {
            throw wrong(
                    setting,
                    "without cluster.token only a loopback address is allowed; set cluster.token"
                            + " on every role",
                    config);
        }
    }

    /** By its spelling alone: no name is looked up for this. */
    private static boolean isLoopback(String host) {
        return LOOPBACK.contains(host) || host.matches("127\\.\\d{1,3}\\.\\d{1,3}\\.\\d{1,3}");
    }

    private static BatonException wrong(Setting<?> setting, String what, Configuration config) {
        return new BatonException(
                ErrorCode.CONFIGURATION,
                "%s is '%s' (%s): %s."
                        .formatted(
                                setting.key(), config.text(setting), config.origin(setting), what),
                setting.key());
    }
}
