package io.baton.kv.channel.ucx;

import org.openucx.jucx.UcxException;
import org.openucx.jucx.ucp.UcpContext;
import org.openucx.jucx.ucp.UcpParams;

/** Opens a context through jucx; loading this class loads jucx. */
final class ContextQuery {
    private ContextQuery() {}

    static UcxLibrary ask() {
        try (UcpContext context = new UcpContext(new UcpParams().requestTagFeature())) {
            boolean open = context.getNativeId() != null;
            return new UcxLibrary(open, open ? "a context opens" : "no context opens");
        } catch (UcxException e) {
            return new UcxLibrary(false, "no context opens: " + e.getMessage());
        }
    }
}
