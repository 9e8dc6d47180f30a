/**
 * Frames through device memory that processes of one machine share (CUDA IPC): over NVLink or PCIe
 * between two devices, within one device where both use the same. Depends on {@code
 * io.baton.kv.channel} and, lazily, on JCuda's driver API, whose types never leave the two classes
 * named after it. Each listener and each connector has two threads: one for its sockets, as over
 * TCP, and one that alone touches CUDA.
 */
@NullMarked
package io.baton.kv.channel.cuda;

import org.jspecify.annotations.NullMarked;
