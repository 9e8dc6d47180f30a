package io.baton.common.kv;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.List;

/**
 * The chain of keys over a token sequence: {@code key[i] = SHA-256(parent, tokens of block i)},
 * where the first parent is the root. Every field is length-prefixed (little-endian), so no two
 * field lists hash the same bytes. Immutable; safe for any thread.
 *
 * <p>The root binds all that must agree before KV may be shared: key format, model fingerprint,
 * layout and dtype, form (lossy prefixes never look exact), numeric profile and tenant.
 */
public final class KeyChain {
    /** Version of the key format; a peer with another one is refused. */
    public static final int FORMAT_VERSION = 1;

    private final ChunkKey root;
    private final int blockTokens;

    private KeyChain(ChunkKey root, int blockTokens) {
        this.root = root;
        this.blockTokens = blockTokens;
    }

    /**
     * The fields of the root.
     *
     * @param fingerprint model fingerprint: weights, tokenizer, RoPE parameters
     * @param layout KV layout and dtype
     * @param form {@code exact}, {@code canonical:codec:level:profile} or {@code tolerant}
     * @param numericProfile provider, instruction-set level and kernel version
     * @param tenantSalt made by the server, never by a client
     */
    public record Root(
            String fingerprint,
            KvLayout layout,
            String form,
            String numericProfile,
            byte[] tenantSalt) {}

    public static KeyChain of(Root root) {
        MessageDigest digest = sha256();
        field(digest, "baton-kv-key".getBytes(StandardCharsets.US_ASCII));
        field(digest, littleEndian(FORMAT_VERSION));
        field(digest, root.fingerprint().getBytes(StandardCharsets.UTF_8));
        KvLayout layout = root.layout();
        field(
                digest,
                littleEndian(
                        layout.layers(), layout.kvHeads(), layout.headDim(), layout.blockTokens()));
        field(digest, layout.dtype().label().getBytes(StandardCharsets.US_ASCII));
        field(digest, root.form().getBytes(StandardCharsets.UTF_8));
        field(digest, root.numericProfile().getBytes(StandardCharsets.UTF_8));
        field(digest, root.tenantSalt());
        return new KeyChain(ChunkKey.of(digest.digest()), layout.blockTokens());
    }

    /** The key before the first block. */
    public ChunkKey root() {
        return root;
    }

    /** The key of the block that follows {@code parent} and holds {@code tokens[from, to)}. */
    public static ChunkKey next(ChunkKey parent, int[] tokens, int from, int to) {
        MessageDigest digest = sha256();
        field(digest, parent.toBytes());
        ByteBuffer ids = ByteBuffer.allocate(4 * (to - from)).order(ByteOrder.LITTLE_ENDIAN);
        for (int i = from; i < to; i++) {
            ids.putInt(tokens[i]);
        }
        field(digest, ids.array());
        return ChunkKey.of(digest.digest());
    }

    /** Keys of all full blocks of {@code tokens}; a partial last block has none. */
    public List<ChunkKey> keys(int[] tokens) {
        List<ChunkKey> keys = new ArrayList<>(tokens.length / blockTokens);
        ChunkKey parent = root;
        for (int from = 0; from + blockTokens <= tokens.length; from += blockTokens) {
            parent = next(parent, tokens, from, from + blockTokens);
            keys.add(parent);
        }
        return keys;
    }

    private static void field(MessageDigest digest, byte[] bytes) {
        digest.update(littleEndian(bytes.length));
        digest.update(bytes);
    }

    private static byte[] littleEndian(int... values) {
        ByteBuffer buffer = ByteBuffer.allocate(4 * values.length).order(ByteOrder.LITTLE_ENDIAN);
        for (int value : values) {
            buffer.putInt(value);
        }
        return buffer.array();
    }

    private static MessageDigest sha256() {
        try {
            return MessageDigest.getInstance("SHA-256");
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("every JDK has SHA-256", e);
        }
    }
}
