package io.baton.kv.transfer;

import io.baton.common.error.BatonException;
import io.baton.common.error.ErrorCode;
import io.baton.kv.channel.Hello;
import io.baton.kv.channel.KvChannel;
import io.baton.kv.channel.SendResult;
import io.baton.kv.codec.KvProfile;
import io.baton.kv.codec.KvProfiles;
import io.baton.kv.frame.FrameType;
import io.baton.kv.transfer.ProfileFrames.Named;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicLong;

/**
 * A receiver's side of profiles: one that it does not know is asked for piece by piece, checked
 * against the name it was offered under and against the model, and kept. Frames come on the I/O
 * thread; files and checksums are work for a thread of their own, one at a time for each channel,
 * as a sender waits for an answer.
 */
final class ProfileIntakes {
    /** Bytes of all profiles that are on their way. */
    private static final long MOST_BYTES = 4 * KvProfile.MAX_BYTES;

    private final KvProfiles profiles;
    private final KvProfile.Model model;
    private final Map<Long, Intake> intakes = new ConcurrentHashMap<>();
    private final AtomicLong bytes = new AtomicLong();

    ProfileIntakes(KvProfiles profiles, Hello hello) {
        this.profiles = profiles;
        this.model =
                new KvProfile.Model(
                        hello.fingerprint(),
                        hello.layout().layers(),
                        hello.layout().kvHeads(),
                        hello.layout().headDim());
    }

    /** A profile on its way; the I/O thread, and then the one that checks it. */
    private static final class Intake {
        final Named offer;
        final MemorySegment memory;
        long received;

        Intake(Named offer) {
            this.offer = offer;
            this.memory = Arena.ofAuto().allocate(offer.number(), Long.BYTES);
        }
    }

    /** Profiles on their way. */
    int live() {
        return intakes.size();
    }

    /** A sender names the profile that it will use. */
    void onOffer(KvChannel channel, MemorySegment payload) {
        Named offer = Named.of(payload);
        if (offer.number() < 1 || offer.number() > KvProfile.MAX_BYTES || offer.id() == 0) {
            refuse(
                    channel,
                    ErrorCode.KV_TRANSFER_FAILED,
                    "a KV profile of %d bytes was offered, limit %d"
                            .formatted(offer.number(), KvProfile.MAX_BYTES));
            return;
        }
        work(channel, () -> answer(channel, offer));
    }

    private void answer(KvChannel channel, Named offer) {
        if (profiles.find(offer.id())
                .filter(known -> Arrays.equals(known.checksum(), offer.checksum()))
                .isPresent()) {
            prepare(channel, offer.id());
            want(channel, offer, offer.number());
            return;
        }
        if (bytes.addAndGet(offer.number()) > MOST_BYTES) {
            bytes.addAndGet(-offer.number());
            refuse(
                    channel,
                    ErrorCode.OVERLOADED,
                    "KV profiles of %d bytes are on their way, the limit".formatted(MOST_BYTES));
            return;
        }
        if (intakes.putIfAbsent(channel.id(), new Intake(offer)) != null) {
            bytes.addAndGet(-offer.number());
            refuse(
                    channel,
                    ErrorCode.KV_TRANSFER_FAILED,
                    "a KV profile was offered before the last one had come");
            return;
        }
        if (want(channel, offer, 0) != SendResult.OK) {
            // The channel closed meanwhile, and its end was told before there was an intake.
            forget(channel);
        }
    }

    /** A piece of the offered profile. */
    void onPiece(KvChannel channel, MemorySegment payload) {
        Intake intake = intakes.get(channel.id());
        MemorySegment piece = ProfileFrames.pieceBytes(payload);
        if (intake == null
                || ProfileFrames.pieceOffset(payload) != intake.received
                || piece.byteSize() < 1
                || piece.byteSize() > intake.offer.number() - intake.received) {
            refuse(
                    channel,
                    ErrorCode.KV_TRANSFER_FAILED,
                    "bytes of a KV profile came that were not asked for");
            return;
        }
        MemorySegment.copy(piece, 0, intake.memory, intake.received, piece.byteSize());
        intake.received += piece.byteSize();
        if (intake.received < intake.offer.number()) {
            want(channel, intake.offer, intake.received);
        } else {
            work(channel, () -> keep(channel, intake));
        }
    }

    private void keep(KvChannel channel, Intake intake) {
        KvProfile profile = KvProfile.read(intake.memory).require(model);
        if (!Arrays.equals(profile.checksum(), intake.offer.checksum())) {
            throw new BatonException(
                    ErrorCode.KV_TRANSFER_FAILED,
                    "KV profile %s came as %s"
                            .formatted(profile.name(), KvProfile.name(intake.offer.id())));
        }
        profiles.keep(profile);
        forget(channel);
        prepare(channel, profile.id());
        want(channel, intake.offer, intake.offer.number());
    }

    /** Before the first part that needs it, which comes on the I/O thread. */
    private static void prepare(KvChannel channel, long profile) {
        channel.peer().codecs().forEach(codec -> codec.prepare(profile));
    }

    private static SendResult want(KvChannel channel, Named offer, long offset) {
        return ProfileFrames.named(
                channel, FrameType.PROFILE_WANT, new Named(offer.checksum(), offset));
    }

    /** Off the I/O thread; what fails is told to the sender. */
    private static void work(KvChannel channel, Runnable step) {
        Thread.ofVirtual()
                .name("kv-profile-" + channel.id())
                .start(
                        () -> {
                            try {
                                step.run();
                            } catch (BatonException e) {
                                ProfileFrames.refuse(channel, e);
                            }
                        });
    }

    private static void refuse(KvChannel channel, ErrorCode code, String why) {
        ProfileFrames.refuse(channel, new BatonException(code, why));
    }

    /** The channel is gone, or its profile is here. */
    void forget(KvChannel channel) {
        Intake intake = intakes.remove(channel.id());
        if (intake != null) {
            bytes.addAndGet(-intake.offer.number());
        }
    }
}
