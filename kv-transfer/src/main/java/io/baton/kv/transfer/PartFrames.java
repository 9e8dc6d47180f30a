package io.baton.kv.transfer;

import io.baton.common.kv.KvLayout;
import io.baton.kv.codec.KvCodec;
import io.baton.kv.codec.PartShape;
import io.baton.kv.frame.Form;
import io.baton.kv.frame.FrameBatch;
import io.baton.kv.frame.FrameHeader;
import io.baton.kv.frame.FrameType;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.util.List;

/**
 * Makes the frames of one transfer: cuts consecutive blocks of a layer into parts that do not cross
 * chunks and are at most a frame long, codes each, and splits what is still too long into
 * fragments. Its memory is made once, for the largest offer. One thread at a time.
 */
final class PartFrames {
    private final TransferId id;
    private final TransferSpec spec;
    private final List<SendWay> ways;
    private final int chunkBlocks;
    private final int blocksPerPart;
    private final FrameBatch batch;
    private final int maxParts;
    private MemorySegment scratch = MemorySegment.NULL;
    private long sequence;

    /**
     * @param ways that parts may go
     * @param checksPayloads whether checksums cover the KV
     */
    PartFrames(TransferId id, TransferSpec spec, List<SendWay> ways, boolean checksPayloads) {
        this.id = id;
        this.spec = spec;
        this.ways = ways;
        KvLayout layout = spec.layout();
        this.blocksPerPart = Math.max(1, FrameHeader.MAX_PAYLOAD_BYTES / layout.blockLayerBytes());
        this.chunkBlocks = spec.chunkTokens() / layout.blockTokens();
        // An offer may straddle one border of chunks, which takes a part more.
        this.maxParts = Math.ceilDiv(chunkBlocks, blocksPerPart) + 1;
        PartShape largest = new PartShape(layout, 0, 1, 0, Math.min(blocksPerPart, chunkBlocks));
        this.batch =
                new FrameBatch(Math.multiplyExact(maxParts, fragments(mostEncodedBytes(largest))));
        this.batch.checksPayloads(checksPayloads);
    }

    private long mostEncodedBytes(PartShape part) {
        long most = 0;
        for (SendWay way : ways) {
            most = Math.max(most, way.codec().maxEncodedBytes(part));
        }
        return most;
    }

    /** Most bytes of frames for so many blocks of one layer. */
    long mostBytes(int blocks) {
        PartShape all = new PartShape(spec.layout(), 0, 1, 0, blocks);
        return mostEncodedBytes(all) + (long) batch.maxFrames() * FrameHeader.BYTES;
    }

    /** Most bytes of frames for the blocks of one chunk in one layer, the largest offer. */
    long mostBytes() {
        return mostBytes(chunkBlocks);
    }

    /**
     * How many blocks of one layer these bytes are.
     *
     * @throws IllegalArgumentException if they are none, or not a part of the transfer
     */
    int blocks(int layer, int firstBlock, long byteSize) {
        KvLayout layout = spec.layout();
        long blocks = byteSize / layout.blockLayerBytes();
        if (layer < 0
                || layer >= layout.layers()
                || blocks < 1
                || byteSize % layout.blockLayerBytes() != 0
                || blocks * layout.blockTokens() > spec.chunkTokens()
                || firstBlock < spec.fromToken() / layout.blockTokens()
                || firstBlock + blocks > layout.blocksFor(spec.toToken())) {
            throw new IllegalArgumentException(
                    "layer %d, first block %d, %d bytes are not a part of %s"
                            .formatted(layer, firstBlock, byteSize, spec));
        }
        return (int) blocks;
    }

    /**
     * Data frames of consecutive blocks of one layer that passed {@link #blocks}.
     *
     * @param way index into the ways
     * @param bytes stays unchanged until the batch is cleared
     * @param firstSequence number of the first frame; the others follow
     * @return all frames, valid until the next call
     */
    FrameBatch data(int way, int layer, int firstBlock, MemorySegment bytes, long firstSequence) {
        batch.clear();
        sequence = firstSequence;
        int blockBytes = spec.layout().blockLayerBytes();
        int blocks = (int) (bytes.byteSize() / blockBytes);
        SendWay how = ways.get(way);
        long scratchBytes = scratchFor(how);
        int parts = 0;
        for (int from = 0; from < blocks; ) {
            int block = firstBlock + from;
            int toBorder = chunkBlocks - block % chunkBlocks;
            int count = Math.min(Math.min(blocksPerPart, toBorder), blocks - from);
            MemorySegment raw = bytes.asSlice((long) from * blockBytes, (long) count * blockBytes);
            MemorySegment space = scratch.asSlice(parts++ * scratchBytes, scratchBytes);
            addPart(how, layer, block, raw, space);
            from += count;
        }
        return batch;
    }

    /** Makes room for all parts of an offer; the bytes for one. */
    private long scratchFor(SendWay way) {
        int blocks = Math.min(blocksPerPart, chunkBlocks);
        long bytes = way.codec().scratchBytes(new PartShape(spec.layout(), 0, 1, 0, blocks));
        long aligned = Math.ceilDiv(bytes, Long.BYTES) * Long.BYTES;
        if (scratch.byteSize() < aligned * maxParts) {
            scratch = Arena.ofAuto().allocate(aligned * maxParts, Long.BYTES);
        }
        return aligned;
    }

    private void addPart(
            SendWay way, int layer, int block, MemorySegment raw, MemorySegment space) {
        KvLayout layout = spec.layout();
        int firstToken = block * layout.blockTokens();
        int blocks = (int) (raw.byteSize() / layout.blockLayerBytes());
        PartShape part = new PartShape(layout, layer, 1, firstToken, blocks);
        KvCodec codec = way.codec();
        KvCodec.Setting setting = way.setting();
        MemorySegment encoded = codec.encode(part, setting, raw, space);
        int fragments = fragments(encoded.byteSize());
        for (int i = 0; i < fragments; i++) {
            long at = (long) i * FrameHeader.MAX_PAYLOAD_BYTES;
            long length = Math.min(FrameHeader.MAX_PAYLOAD_BYTES, encoded.byteSize() - at);
            batch.begin(FrameType.DATA)
                    .identity(id.transfer(), id.epoch(), id.incarnation())
                    .sequence(sequence++)
                    .rawBytes((int) part.rawBytes())
                    .tokens(
                            firstToken / spec.chunkTokens(),
                            firstToken,
                            blocks * layout.blockTokens())
                    .fragment(i, fragments)
                    .layers(layer, 1)
                    .coding(
                            codec.lossless() ? Form.EXACT : Form.TOLERANT,
                            codec.id(),
                            setting.level(),
                            setting.profile());
            batch.end(fragments == 1 ? encoded : encoded.asSlice(at, length));
        }
    }

    private static int fragments(long encodedBytes) {
        return (int) Math.ceilDiv(encodedBytes, (long) FrameHeader.MAX_PAYLOAD_BYTES);
    }

    /** What all frames are made in. */
    FrameBatch batch() {
        return batch;
    }

    /** Bytes of the frame that ends the transfer. */
    static long endBytes(byte[] trailer) {
        return FrameHeader.BYTES + trailer.length;
    }

    /** The frame that ends the transfer; valid until the next call. */
    FrameBatch end(byte[] trailer, long endSequence) {
        batch.clear();
        batch.begin(FrameType.END)
                .identity(id.transfer(), id.epoch(), id.incarnation())
                .sequence(endSequence);
        batch.end(ByteBuffer.wrap(trailer));
        return batch;
    }
}
