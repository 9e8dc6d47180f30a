package io.baton.engine;

import io.baton.common.kv.KvLayout;
import io.baton.engine.Scheduler.Leaving;
import io.baton.engine.Scheduler.Returning;
import io.baton.kernels.KvPages;
import java.lang.System.Logger.Level;
import java.lang.foreign.MemorySegment;

/**
 * Lets a {@link KvParking} copy blocks out of the pool and back. Whatever fails there costs time,
 * never an answer. The engine thread's own.
 */
final class Parking {
    private static final System.Logger LOG = System.getLogger(Parking.class.getName());

    private final KvParking parking;
    private final KvPages pages;

    Parking(KvParking parking, KvPages pages) {
        this.parking = parking;
        this.pages = pages;
    }

    void park(Leaving leaving) {
        Window window = new Window(leaving.sequence().blocks(), 0, leaving.keys().size());
        try {
            parking.park(leaving.keys(), window);
        } catch (RuntimeException e) {
            LOG.log(
                    Level.WARNING,
                    leaving.sequence().spec.id()
                            + " could not be parked; it will be computed again",
                    e);
        } finally {
            window.open = false;
        }
    }

    /** Tells how many blocks were brought back. */
    int restore(Returning returning) {
        int most = returning.keys().size() - returning.from();
        Window window =
                new Window(
                        returning.sequence().blocks(), returning.from(), returning.keys().size());
        try {
            int restored = parking.restore(returning.keys(), returning.from(), window);
            if (restored >= 0 && restored <= most) {
                return restored;
            }
            throw new IllegalStateException(
                    "%d blocks were said to be restored of %d".formatted(restored, most));
        } catch (RuntimeException e) {
            LOG.log(
                    Level.WARNING,
                    returning.sequence().spec.id()
                            + " could not be brought back; it is computed again",
                    e);
            return 0;
        } finally {
            window.open = false;
        }
    }

    /** Blocks {@code [from, to)} of one sequence. */
    private final class Window implements KvParking.Source, KvParking.Target {
        private final int[] blocks;
        private final int from;
        private final int to;
        private boolean open = true;

        Window(int[] blocks, int from, int to) {
            this.blocks = blocks;
            this.from = from;
            this.to = to;
        }

        @Override
        public KvLayout layout() {
            return pages.layout();
        }

        @Override
        public void read(int layer, int firstBlock, MemorySegment target) {
            int bytes = layout().blockLayerBytes();
            int count = count(layer, firstBlock, target);
            for (int i = 0; i < count; i++) {
                pages.buffer()
                        .read(
                                pages.offset(layer, blocks[firstBlock + i]),
                                target.asSlice((long) i * bytes, bytes));
            }
        }

        @Override
        public void write(int layer, int firstBlock, MemorySegment source) {
            int bytes = layout().blockLayerBytes();
            int count = count(layer, firstBlock, source);
            for (int i = 0; i < count; i++) {
                pages.buffer()
                        .write(
                                pages.offset(layer, blocks[firstBlock + i]),
                                source.asSlice((long) i * bytes, bytes));
            }
        }

        private int count(int layer, int firstBlock, MemorySegment bytes) {
            int block = layout().blockLayerBytes();
            long count = bytes.byteSize() / block;
            if (!open
                    || bytes.byteSize() % block != 0
                    || layer < 0
                    || layer >= layout().layers()
                    || firstBlock < from
                    || count > to - firstBlock) {
                throw new IllegalStateException(
                        "blocks %d to %d of %d layers are open here, during the call alone; asked for %d bytes from block %d of layer %d"
                                .formatted(
                                        from,
                                        to - 1,
                                        layout().layers(),
                                        bytes.byteSize(),
                                        firstBlock,
                                        layer));
            }
            return (int) count;
        }
    }
}
