package io.baton.kv.transfer;

import io.baton.common.error.BatonException;
import io.baton.common.error.ErrorCode;
import io.baton.common.kv.KvLink;
import io.baton.kv.channel.KvChannelProvider;
import io.baton.kv.channel.KvChannelProvider.Reach;
import java.net.URI;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * Which of a receiver's offers a sender tries, the best first, and why not the others. A pure
 * function of what both ends have.
 *
 * @param candidates in the order to try; never empty
 * @param passedOver one short reason for each better offer that cannot be used
 */
record ChannelPlan(List<Candidate> candidates, List<String> passedOver) {
    /** From the best to the last resort; schemes that are not named come after these. */
    static final List<String> PREFERENCE = List.of("loopback", "cuda-ipc", "shm", "ucx", "tcp");

    ChannelPlan {
        candidates = List.copyOf(candidates);
        passedOver = List.copyOf(passedOver);
    }

    /**
     * An offer that can be used.
     *
     * @param reason why it is good
     */
    record Candidate(URI url, KvChannelProvider provider, String reason) {
        Carrier carrier() {
            return new Carrier(provider.scheme(), provider.reach());
        }
    }

    /**
     * What this sender has.
     *
     * @param link what may be used
     * @param encrypted whether bytes that leave the machine must be encrypted
     * @param spoken the carriers it knows, by scheme; null for others
     */
    record Here(
            KvLink link,
            boolean encrypted,
            Whereabouts whereabouts,
            Function<String, @Nullable KvChannelProvider> spoken) {
        /** All registered carriers. */
        static Here of(TransferOptions options) {
            List<KvChannelProvider> all = KvChannelProvider.all();
            return new Here(
                    options.link(),
                    options.channel().tls() != null,
                    Whereabouts.here(),
                    scheme ->
                            all.stream()
                                    .filter(provider -> provider.scheme().equals(scheme))
                                    .findFirst()
                                    .orElse(null));
        }
    }

    /**
     * Plans.
     *
     * @throws BatonException KV_TRANSFER_FAILED with all reasons if no offer can be used
     */
    static ChannelPlan of(List<ChannelOffer> offers, Here here) {
        List<Candidate> candidates = new ArrayList<>();
        List<String> passedOver = new ArrayList<>();
        boolean choice = offers.size() > 1 && here.link() == KvLink.AUTO;
        for (ChannelOffer offer : sorted(offers)) {
            URI url;
            try {
                url = DefaultKvReceiver.parse(offer.url());
            } catch (BatonException e) {
                passedOver.add(e.text());
                continue;
            }
            String scheme = String.valueOf(url.getScheme());
            KvChannelProvider provider = here.spoken().apply(scheme);
            String against = against(offer, scheme, provider, choice, here);
            if (against != null || provider == null) {
                passedOver.add(scheme + ": " + against);
            } else {
                candidates.add(
                        new Candidate(url, provider, reason(offer, provider.reach(), here.link())));
            }
        }
        if (candidates.isEmpty()) {
            throw new BatonException(
                    ErrorCode.KV_TRANSFER_FAILED,
                    "the receiver offers no channel that this worker can use (%s)"
                            .formatted(String.join("; ", passedOver)),
                    "kv.channel");
        }
        return new ChannelPlan(candidates, passedOver);
    }

    private static List<ChannelOffer> sorted(List<ChannelOffer> offers) {
        List<ChannelOffer> sorted = new ArrayList<>();
        for (String scheme : PREFERENCE) {
            offers.stream().filter(offer -> isOf(offer, scheme)).forEach(sorted::add);
        }
        offers.stream().filter(offer -> !sorted.contains(offer)).forEach(sorted::add);
        return sorted;
    }

    private static boolean isOf(ChannelOffer offer, String scheme) {
        return offer.url().startsWith(scheme + ":");
    }

    private static @Nullable String against(
            ChannelOffer offer,
            String scheme,
            @Nullable KvChannelProvider provider,
            boolean choice,
            Here here) {
        if (here.link() != KvLink.AUTO && !here.link().label().equals(scheme)) {
            return "kv.channel is " + here.link().label();
        }
        if (provider == null) {
            return "unknown here";
        }
        if (here.encrypted() && !provider.reach().isLocal() && !provider.encrypts()) {
            return "kv.tls is set, and it does not encrypt";
        }
        String place = here.whereabouts().place(provider.reach());
        if (!offer.place().isEmpty() && !offer.place().equals(place)) {
            return provider.reach() == Reach.PROCESS ? "another process" : "another host or user";
        }
        return provider.unusable(choice);
    }

    private static String reason(ChannelOffer offer, Reach reach, KvLink link) {
        if (link != KvLink.AUTO) {
            return "kv.channel says so";
        }
        if (offer.place().isEmpty()) {
            return reach.isLocal() ? "the only offer" : "over the network";
        }
        return reach == Reach.PROCESS ? "the same process" : "the same host";
    }
}
