package io.baton.common.generation;

/**
 * How a sequence is served among others. Nothing of it bears on the answer, only on when it comes.
 *
 * @param tenant whom the computing is counted for; at most {@link #MAX_TENANT_CHARACTERS} printable
 *     ASCII characters, empty where tenants are not told apart
 * @param weight the tenant's share against others', 1 to {@link #MAX_WEIGHT}
 * @param priority lower goes first; 0 is usual
 * @param speculate whether tokens may be drafted and verified where the worker does that
 */
public record ServiceTerms(String tenant, int weight, int priority, boolean speculate) {
    public static final int MAX_TENANT_CHARACTERS = 64;
    public static final int MAX_WEIGHT = 1000;

    /** One of a crowd, nothing special. */
    public static final ServiceTerms USUAL = new ServiceTerms("", 1, 0, true);

    public ServiceTerms {
        if (!isTenant(tenant) || weight < 1 || weight > MAX_WEIGHT) {
            throw new IllegalArgumentException("tenant or weight out of range");
        }
    }

    /** Whether a text can name a tenant. */
    public static boolean isTenant(String text) {
        return text.length() <= MAX_TENANT_CHARACTERS
                && text.chars().allMatch(c -> c > 0x20 && c < 0x7f);
    }
}
