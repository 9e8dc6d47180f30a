package io.baton.common.config;

import static io.baton.common.config.SettingType.integer;
import static io.baton.common.config.SettingType.list;
import static io.baton.common.config.SettingType.optionalPath;
import static io.baton.common.config.SettingType.optionalText;

import java.nio.file.Path;
import java.util.List;
import java.util.Optional;

/** Who may do what at a router, and what a router keeps. */
public final class AccessSettings {
    static final SettingGroup GROUP = new SettingGroup();

    public static final Setting<List<String>> API_KEYS =
            GROUP.add(
                    Setting.of(
                                    "api.keys",
                                    list(),
                                    "",
                                    "Keys of which a client must send one; empty for none."
                                            + " @PATH reads them from a file, one a line.")
                            .withFlag("--api-key")
                            .asSecret());
    public static final Setting<Optional<String>> ADMIN_TOKEN =
            GROUP.add(
                    Setting.of(
                                    "admin.token",
                                    optionalText(),
                                    "",
                                    "Token for /admin; empty means that /admin answers on loopback"
                                            + " connections alone.")
                            .asSecret());
    public static final Setting<Integer> ADMIN_LEDGER_ENTRIES =
            GROUP.add(
                    Setting.of(
                            "admin.ledger-entries",
                            integer(0, 1_000_000),
                            "1000",
                            "Finished requests whose ledger /admin/requests/{id} still knows."));
    public static final Setting<Optional<String>> TENANT_SECRET =
            GROUP.add(
                    Setting.of(
                                    "tenant.secret",
                                    optionalText(),
                                    "",
                                    "Secret from which the router makes the salts that keep"
                                            + " tenants' KV apart, the same on all routers; empty"
                                            + " for one that is created once in state.folder.")
                            .asSecret());
    public static final Setting<List<String>> TENANT_WEIGHTS =
            GROUP.add(
                    Setting.of(
                            "tenant.weights",
                            list(),
                            "",
                            "Shares of computing time where tenants compete, as TENANT=WEIGHT with"
                                    + " weights from 1 to 1000; 1 for those not named. A tenant is"
                                    + " key- and the first 16 hex digits of the SHA-256 of its API"
                                    + " key."));
    public static final Setting<Optional<Path>> STATE_FOLDER =
            GROUP.add(
                    Setting.of(
                            "state.folder",
                            optionalPath(),
                            "",
                            "Folder for what must survive a restart; empty for baton in"
                                    + " XDG_STATE_HOME or ~/.local/state."));

    private AccessSettings() {}
}
