package io.baton.kv.channel.cuda;

import java.util.ArrayDeque;

/** What must be closed together, the newest first. The thread of its context. */
final class CudaResources implements AutoCloseable {
    /** Anything of a {@link CudaDriver.Context}. */
    interface Resource {
        void close() throws CudaFailure;
    }

    private final ArrayDeque<Resource> resources = new ArrayDeque<>();

    void add(Resource resource) {
        resources.push(resource);
    }

    void remove(Resource resource) {
        resources.remove(resource);
    }

    /** Closes all, even if some fail. */
    @Override
    public void close() throws CudaFailure {
        CudaFailure first = null;
        for (Resource each = resources.poll(); each != null; each = resources.poll()) {
            try {
                each.close();
            } catch (CudaFailure e) {
                if (first == null) {
                    first = e;
                } else {
                    first.addSuppressed(e);
                }
            }
        }
        if (first != null) {
            throw first;
        }
    }
}
