package io.baton.kv.channel;

import io.baton.common.kv.KvLayout;
import java.util.ArrayList;
import java.util.List;

/**
 * What both ends of a channel say first. All that bears on the meaning of bytes must be equal.
 *
 * @param workerId who speaks
 * @param incarnation its boot number
 * @param fingerprint model fingerprint
 * @param layout KV layout and dtype
 * @param chunkTokens tokens per chunk
 * @param keyFormat version of chunk keys
 * @param numericProfile provider, level, kernel version
 * @param sameness {@code exact} or {@code tolerant}; with {@code exact}, profiles must be equal
 */
public record Hello(
        String workerId,
        long incarnation,
        String fingerprint,
        KvLayout layout,
        int chunkTokens,
        int keyFormat,
        String numericProfile,
        String sameness) {
    /**
     * One line per difference that forbids transfer, {@code field: ours X, theirs Y}; empty if the
     * two fit.
     */
    public List<String> diff(Hello theirs) {
        List<String> lines = new ArrayList<>();
        compare(lines, "model fingerprint", fingerprint, theirs.fingerprint);
        compare(lines, "layers", layout.layers(), theirs.layout.layers());
        compare(lines, "KV heads", layout.kvHeads(), theirs.layout.kvHeads());
        compare(lines, "head dimension", layout.headDim(), theirs.layout.headDim());
        compare(lines, "KV dtype", layout.dtype().label(), theirs.layout.dtype().label());
        compare(lines, "block tokens", layout.blockTokens(), theirs.layout.blockTokens());
        compare(lines, "chunk tokens", chunkTokens, theirs.chunkTokens);
        compare(lines, "key format", keyFormat, theirs.keyFormat);
        // It enters the keys of blocks.
        compare(lines, "sameness", sameness, theirs.sameness);
        if (sameness.equals("exact") || theirs.sameness.equals("exact")) {
            compare(lines, "numeric profile", numericProfile, theirs.numericProfile);
        }
        return lines;
    }

    private static void compare(List<String> lines, String field, Object ours, Object theirs) {
        if (!ours.equals(theirs)) {
            lines.add("%s: ours %s, theirs %s".formatted(field, ours, theirs));
        }
    }
}
