package io.baton.router.dispatch;

import io.baton.common.error.BatonException;
import io.baton.common.error.ErrorCode;
import io.baton.common.generation.ServiceTerms;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** The shares of computing time that tenants have. Immutable; safe for any thread. */
public final class TenantWeights {
    private final Map<String, Integer> weights;

    private TenantWeights(Map<String, Integer> weights) {
        this.weights = Map.copyOf(weights);
    }

    /**
     * Reads {@code TENANT=WEIGHT} entries.
     *
     * @throws BatonException CONFIGURATION naming the entry that is wrong
     */
    public static TenantWeights of(List<String> entries) {
        Map<String, Integer> weights = new HashMap<>();
        for (String entry : entries) {
            int at = entry.lastIndexOf('=');
            String tenant = at < 0 ? "" : entry.substring(0, at).strip();
            int weight = at < 0 ? 0 : weight(entry.substring(at + 1).strip());
            if (tenant.isEmpty()
                    || !ServiceTerms.isTenant(tenant)
                    || weight < 1
                    || weight > ServiceTerms.MAX_WEIGHT
                    || weights.put(tenant, weight) != null) {
                throw new BatonException(
                        ErrorCode.CONFIGURATION,
                        "tenant.weights has '%s'; wanted is TENANT=WEIGHT, each tenant once, with a weight from 1 to %d"
                                .formatted(entry, ServiceTerms.MAX_WEIGHT),
                        "tenant.weights");
            }
        }
        return new TenantWeights(weights);
    }

    private static int weight(String text) {
        return text.matches("[0-9]{1,4}") ? Integer.parseInt(text) : 0;
    }

    /** A tenant's weight; 1 if it was not named. */
    public int of(String tenant) {
        return weights.getOrDefault(tenant, 1);
    }
}
