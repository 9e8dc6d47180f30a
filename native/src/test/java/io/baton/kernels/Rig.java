package io.baton.kernels;

import static java.lang.foreign.ValueLayout.JAVA_FLOAT;

import io.baton.common.model.TensorType;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.random.RandomGenerator;

/** A provider with a queue, and the moves that tests make with it. */
final class Rig implements AutoCloseable {
    final Kernels kernels;
    final KernelQueue queue;

    Rig(ProviderCase provider, int threads) {
        this.kernels = provider.open(threads);
        this.queue = kernels.newQueue();
    }

    Tensor tensor(int rows, int cols) {
        return new Tensor(kernels.allocate(4L * rows * cols), rows, cols);
    }

    Tensor tensor(float[] values, int cols) {
        Tensor tensor = tensor(values.length / cols, cols);
        write(tensor, values);
        return tensor;
    }

    void write(Tensor tensor, float[] values) {
        try (Arena arena = Arena.ofConfined()) {
            tensor.buffer().write(0, arena.allocateFrom(JAVA_FLOAT, values));
        }
    }

    /** Submits, waits and reads the first {@code rows} rows. */
    float[] read(Tensor tensor, int rows) {
        return read(queue, tensor, rows);
    }

    static float[] read(KernelQueue queue, Tensor tensor, int rows) {
        queue.submit();
        queue.await();
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment copy = arena.allocate(Math.max(4, 4L * rows * tensor.cols()), 4);
            MemorySegment wanted = copy.asSlice(0, 4L * rows * tensor.cols());
            tensor.buffer().read(0, wanted);
            return wanted.toArray(JAVA_FLOAT);
        }
    }

    Weight vector(float[] values) {
        MemorySegment data = Arena.ofAuto().allocateFrom(JAVA_FLOAT, values);
        return kernels.weight(TensorType.F32, 1, values.length, data);
    }

    /** Rows of one sequence that starts at 0, block table 0, 1, 2... */
    static Batch rows(int rows) {
        return span(new int[rows], 0, 0);
    }

    static Batch span(int[] tokens, int firstPosition, int firstBlock) {
        int[] blocks = blocks(firstBlock, (firstPosition + tokens.length + 15) / 16);
        return new Batch(
                tokens,
                tokens.length == 0
                        ? new Batch.Span[0]
                        : new Batch.Span[] {
                            new Batch.Span(0, tokens.length, firstPosition, blocks)
                        });
    }

    static int[] blocks(int first, int count) {
        int[] blocks = new int[count];
        for (int i = 0; i < count; i++) {
            blocks[i] = first + i;
        }
        return blocks;
    }

    static float[] gaussian(int count, RandomGenerator random) {
        float[] values = new float[count];
        for (int i = 0; i < count; i++) {
            values[i] = (float) random.nextGaussian();
        }
        return values;
    }

    @Override
    public void close() {
        queue.close();
        kernels.close();
    }
}
