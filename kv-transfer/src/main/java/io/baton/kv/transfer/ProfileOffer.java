package io.baton.kv.transfer;

import io.baton.common.error.BatonException;
import io.baton.common.error.ErrorCode;
import io.baton.kv.channel.KvChannel;
import io.baton.kv.channel.SendResult;
import io.baton.kv.codec.KvProfile;
import io.baton.kv.frame.FrameType;
import io.baton.kv.transfer.ProfileFrames.Named;
import java.lang.foreign.MemorySegment;
import java.time.Duration;
import java.util.Arrays;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

/**
 * A sender's side of a profile: it is named to the receiver before the first transfer of a channel,
 * and brought piece by piece as the receiver asks for it. Pieces are sent on the I/O thread.
 */
final class ProfileOffer {
    /** From naming a profile to the receiver's word that it has it. */
    static final Duration LIMIT = Duration.ofSeconds(60);

    private final KvChannel channel;
    private final KvProfile profile;
    private final int queueBytes;
    private final byte[] checksum;
    private final CompletableFuture<Void> known = new CompletableFuture<>();

    ProfileOffer(KvChannel channel, KvProfile profile, int queueBytes) {
        this.channel = channel;
        this.profile = profile;
        this.queueBytes = queueBytes;
        this.checksum = profile.checksum();
    }

    /**
     * Names the profile and waits until the receiver has it.
     *
     * @throws BatonException why it has not; the channel is closed then
     */
    void bring() throws InterruptedException {
        Named offer = new Named(checksum, profile.bytes().byteSize());
        try {
            if (ProfileFrames.named(channel, FrameType.PROFILE_OFFER, offer) != SendResult.OK) {
                throw lost("the channel does not take its name");
            }
            known.get(LIMIT.toMillis(), TimeUnit.MILLISECONDS);
        } catch (ExecutionException e) {
            if (e.getCause() instanceof BatonException reason) {
                throw new BatonException(reason.code(), reason.text(), reason.param(), reason);
            }
            throw new IllegalStateException("an offer fails with a reason", e);
        } catch (TimeoutException e) {
            throw new BatonException(
                    ErrorCode.KV_TRANSFER_FAILED,
                    lost("no answer within " + LIMIT.toSeconds() + " s").text(),
                    null,
                    e);
        }
    }

    /** The receiver wants what comes from an offset on. */
    void onWant(MemorySegment payload) {
        Named wanted = Named.of(payload);
        long size = profile.bytes().byteSize();
        if (!Arrays.equals(wanted.checksum(), checksum)
                || wanted.number() < 0
                || wanted.number() > size) {
            fail(lost("the receiver asked for bytes that it does not have"));
        } else if (wanted.number() == size) {
            known.complete(null);
        } else if (ProfileFrames.piece(channel, profile.bytes(), wanted.number(), queueBytes)
                != SendResult.OK) {
            fail(lost("the channel does not take its bytes"));
        }
    }

    void fail(BatonException reason) {
        if (known.completeExceptionally(reason)) {
            channel.close(reason);
        }
    }

    private BatonException lost(String why) {
        return new BatonException(
                ErrorCode.KV_TRANSFER_FAILED,
                "KV profile %s did not reach %s: %s"
                        .formatted(profile.name(), channel.peer().hello().workerId(), why));
    }
}
