package io.baton.deploy;

import java.util.ArrayList;
import java.util.List;
import tools.jackson.databind.JsonNode;

/** Reads {@code /admin/workers}. */
final class Workers {
    private Workers() {}

    /** The workers of all pools. */
    static List<JsonNode> of(JsonNode page) {
        List<JsonNode> workers = new ArrayList<>();
        for (JsonNode pool : page.path("pools")) {
            pool.path("workers").forEach(workers::add);
        }
        return workers;
    }
}
