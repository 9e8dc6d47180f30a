package io.baton.router.http;

import io.baton.common.error.BatonException;
import io.baton.common.error.ErrorCode;
import io.baton.common.generation.FinishReason;
import io.baton.common.openai.Answer.End;
import io.baton.common.proto.Finished;

/** How a worker's word for the end reads in an answer. */
final class Ends {
    private Ends() {}

    static End end(Finished finished) {
        for (FinishReason reason : FinishReason.values()) {
            if (reason.wire().equals(finished.getReason())) {
                return new End(
                        reason,
                        finished.getStopText().isEmpty() ? null : finished.getStopText(),
                        finished.getHasStopToken() ? finished.getStopToken() : null);
            }
        }
        throw new BatonException(
                ErrorCode.INTERNAL,
                "a worker ended the answer for a reason that this router does not know");
    }
}
