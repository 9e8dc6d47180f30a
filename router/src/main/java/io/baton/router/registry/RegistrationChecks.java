package io.baton.router.registry;

import io.baton.common.error.BatonException;
import io.baton.common.error.ErrorCode;
import io.baton.common.kv.KvLayout;
import io.baton.common.proto.ModelCard;
import io.baton.common.proto.Registration;
import io.baton.common.worker.HostPort;
import io.baton.common.worker.ProtoKv;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;

/**
 * Whether a worker may join. What is wrong is thrown as HANDSHAKE_MISMATCH, saying what differs and
 * what to do.
 */
final class RegistrationChecks {
    private static final int MAX_NAMES = 16;
    private static final int MAX_NAME_CHARACTERS = 256;

    private RegistrationChecks() {}

    /**
     * What can be said of a registration alone.
     *
     * @return the layout of the worker's KV
     */
    static KvLayout layout(Registration registration) {
        ModelCard model = registration.getModel();
        if (registration.getWorkerId().isEmpty()
                || registration.getWorkerId().length() > MAX_NAME_CHARACTERS) {
            throw refuse("the worker's id must have 1 to 256 characters; set worker.id");
        }
        if (!Worker.knownRole(registration)) {
            throw refuse("the worker's role is unknown to this router; use the same version");
        }
        if (model.getFingerprint().isEmpty()
                || model.getName().isEmpty()
                || model.getName().length() > MAX_NAME_CHARACTERS
                || model.getAliasesCount() > MAX_NAMES
                || model.getVocab() <= 0
                || model.getMaxModelLen() <= 1) {
            throw refuse("the worker's model card is incomplete or beyond limits");
        }
        if (registration.getMaxSequences() > 1 << 16) {
            throw refuse("the worker claims more than 65536 sequences");
        }
        try {
            HostPort.parse(registration.getControlAddress());
        } catch (BatonException e) {
            throw refuse("the worker's control address cannot be used: %s".formatted(e.text()));
        }
        return ProtoKv.layout(registration.getKv());
    }

    /** A worker must be like the first of its pool. */
    static void requireEqual(Pool pool, Registration registration) {
        List<String> found = KvForms.differences(pool.first.getKv(), registration.getKv());
        ModelCard model = registration.getModel();
        KvForms.differ(found, "vocabulary", pool.card.getVocab(), model.getVocab());
        KvForms.differ(
                found,
                "tokenizer and template",
                pool.card.getTextFingerprint(),
                model.getTextFingerprint());
        if (!found.isEmpty()) {
            throw refuse(
                    "the worker does not fit the pool of %s: %s; start it with the same model and KV settings"
                            .formatted(pool.card.getName(), String.join("; ", found)));
        }
    }

    /** A name must stand for one model. */
    static void requireFreeNames(Iterable<Pool> pools, Registration registration) {
        ModelCard model = registration.getModel();
        Set<String> wanted = new LinkedHashSet<>(model.getAliasesList());
        wanted.add(model.getName());
        for (Pool pool : pools) {
            boolean same = pool.card.getFingerprint().equals(model.getFingerprint());
            boolean leaves =
                    pool.workers.size() == 1
                            && pool.workers.containsKey(registration.getWorkerId());
            if (same || leaves) {
                continue;
            }
            for (String name : pool.names()) {
                if (wanted.contains(name)) {
                    throw refuse(
                            "the name %s already stands for the model %s, this worker has %s; give it another model.served-names or the same model file"
                                    .formatted(
                                            name,
                                            pool.card.getFingerprint(),
                                            model.getFingerprint()));
                }
            }
        }
    }

    static BatonException refuse(String message) {
        return new BatonException(ErrorCode.HANDSHAKE_MISMATCH, message);
    }
}
