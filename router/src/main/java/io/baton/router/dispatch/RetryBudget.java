package io.baton.router.dispatch;

/**
 * Keeps retries from multiplying load: every request earns {@code ratio} of a retry, every retry
 * spends one. A small reserve lets a quiet router retry too. Safe for any thread.
 */
public final class RetryBudget {
    private final double ratio;
    private final double most;
    private double balance;

    /**
     * @param ratio retries per request in the long run
     * @param reserve retries there at the start
     * @param most retries that can be saved up, at least {@code reserve}
     */
    public RetryBudget(double ratio, double reserve, double most) {
        this.ratio = ratio;
        this.most = Math.max(most, reserve);
        this.balance = reserve;
    }

    /** A request was accepted. */
    public synchronized void earn() {
        balance = Math.min(most, balance + ratio);
    }

    /** Takes one retry; false if there is none. */
    public synchronized boolean spend() {
        if (balance < 1) {
            return false;
        }
        balance -= 1;
        return true;
    }

    /** Retries that may be spent now. */
    public synchronized double balance() {
        return balance;
    }
}
