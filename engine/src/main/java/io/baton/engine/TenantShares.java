package io.baton.engine;

import io.baton.common.generation.ServiceTerms;
import java.util.HashMap;
import java.util.Map;

/**
 * Who has had how much: a virtual time for each tenant that goes by its computed tokens over its
 * weight. Whoever's time is least goes next, so tenants that compete get rows in proportion to
 * their weights (start-time fair queueing, Goyal, Vin and Cheng 1996). One that was away comes back
 * at the time of the others: it neither saves up nor loses. The scheduler's own; not safe for
 * several threads.
 */
final class TenantShares {
    /** Tenants remembered; above it those that are away are forgotten, the least indebted first. */
    private static final int MOST_TENANTS = 4096;

    private static final class Share {
        private int weight;
        private double time;
        private int members;

        /** Tokens of running sequences that are still to be prefilled, as of this plan. */
        private long promised;
    }

    private final Map<String, Share> shares = new HashMap<>();

    /** The least time of the tenants that are here; never goes back. */
    private double now;

    /** A sequence of a tenant is in line. */
    void join(ServiceTerms terms) {
        Share share = shares.computeIfAbsent(terms.tenant(), tenant -> new Share());
        share.weight = terms.weight();
        if (share.members++ == 0) {
            share.time = Math.max(share.time, now);
            forgetSome();
        }
    }

    /** A sequence that joined is gone. */
    void leave(ServiceTerms terms) {
        of(terms).members--;
    }

    /** Rows are computed for a tenant. */
    void charge(ServiceTerms terms, int tokens) {
        Share share = of(terms);
        share.time += tokens / (double) share.weight;
    }

    /** A new plan: nothing is promised yet, and time goes on. */
    void begin() {
        double least = Double.POSITIVE_INFINITY;
        for (Share share : shares.values()) {
            share.promised = 0;
            if (share.members > 0) {
                least = Math.min(least, share.time);
            }
        }
        if (least < Double.POSITIVE_INFINITY) {
            now = Math.max(now, least);
        }
    }

    /** A sequence that has a place will need so many rows. */
    void promise(ServiceTerms terms, int tokens) {
        of(terms).promised += tokens;
    }

    /** The tenant's time: who gets the next rows. */
    double time(ServiceTerms terms) {
        return of(terms).time;
    }

    /** The tenant's time when all it was promised is computed: who gets the next place. */
    double timeWithPromises(ServiceTerms terms) {
        Share share = of(terms);
        return share.time + share.promised / (double) share.weight;
    }

    /** Tenants remembered. */
    int size() {
        return shares.size();
    }

    private Share of(ServiceTerms terms) {
        Share share = shares.get(terms.tenant());
        if (share == null) {
            throw new IllegalStateException("tenant " + terms.tenant() + " never joined");
        }
        return share;
    }

    private void forgetSome() {
        if (shares.size() <= MOST_TENANTS) {
            return;
        }
        // Whose time is not ahead loses nothing.
        shares.values().removeIf(share -> share.members == 0 && share.time <= now);
        while (shares.size() > MOST_TENANTS) {
            Map.Entry<String, Share> least = null;
            for (Map.Entry<String, Share> entry : shares.entrySet()) {
                if (entry.getValue().members == 0
                        && (least == null || entry.getValue().time < least.getValue().time)) {
                    least = entry;
                }
            }
            if (least == null) {
                // All are here; the bound on open sequences holds.
                return;
            }
            shares.remove(least.getKey());
        }
    }
}
