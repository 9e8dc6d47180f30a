package io.baton.kernels.c;

import io.baton.common.model.TensorType;
import io.baton.kernels.Weight;
import java.lang.foreign.MemorySegment;

/** A weight in the library's panels; its memory belongs to the pool. */
record PackedWeight(TensorType type, int rows, int cols, MemorySegment address, long residentBytes)
        implements Weight {}
