package io.baton.kv.testkit;

import io.baton.kv.channel.cuda.CudaDriver;
import io.baton.kv.channel.cuda.CudaFailure;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.EnumMap;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.UUID;
import org.jspecify.annotations.Nullable;

/**
 * A machine with devices and the processes on it, after the rules in {@link CudaDriver}. It is as
 * late as it may be: what is asked of a stream happens when somebody waits for it, so whoever
 * forgets to wait reads what was there before. What CUDA leaves undefined is written down in {@link
 * #violations}. Safe for any thread.
 */
public final class FakeCuda {
    /** Calls that can be made to fail. */
    public enum Call {
        OPEN,
        ALLOCATE,
        EXPORT,
        OPEN_MEMORY,
        ALLOCATE_HOST,
        CREATE_EVENT,
        EXPORT_EVENT,
        OPEN_EVENT,
        COPY_FROM_HOST,
        COPY_TO_HOST,
        RECORD,
        WAIT,
        SYNCHRONIZE,
        FREE,
        UNMAP,
        FREE_HOST,
        DESTROY_EVENT,
        CLOSE
    }

    /** The driver hands out parts of larger blocks; before each lies somebody else's memory. */
    private static final int BEFORE = 64 << 10;

    private final List<CudaDriver.Device> devices = new ArrayList<>();
    private final boolean peers;
    private final List<String> violations = new ArrayList<>();
    private final List<Block> blocks = new ArrayList<>();
    private final List<FakeEvent> events = new ArrayList<>();
    private final Set<Owned> owned = new HashSet<>();
    private final Map<Call, Integer> failures = new EnumMap<>(Call.class);
    private final Map<Call, Integer> calls = new EnumMap<>(Call.class);
    private long processes;
    private int handles;

    /**
     * A machine.
     *
     * @param peers whether devices read each other's memory
     */
    public FakeCuda(int devices, boolean peers) {
        this.peers = peers;
        for (int i = 0; i < devices; i++) {
            this.devices.add(new CudaDriver.Device(i, new UUID(0x6261746f6eL, i)));
        }
    }

    /** A new process, to which all devices are visible. */
    public synchronized Process process() {
        return new Process(++processes, List.copyOf(devices));
    }

    /** A new process that sees one device alone, as its first. */
    public synchronized Process processWith(int device) {
        return new Process(
                ++processes, List.of(new CudaDriver.Device(0, devices.get(device).uuid())));
    }

    /** What living processes have and have not given back: kinds and counts. */
    public synchronized Map<String, Integer> live() {
        Map<String, Integer> counts = new TreeMap<>();
        owned.forEach(each -> counts.merge(each.kind, 1, Integer::sum));
        return counts;
    }

    /** What must not be done, and was. */
    public synchronized List<String> violations() {
        return List.copyOf(violations);
    }

    /** How often a call was made. */
    public synchronized int calls(Call call) {
        return calls.getOrDefault(call, 0);
    }

    /**
     * The call after the next {@code skip} ones fails, once. What is freed is freed all the same.
     */
    public synchronized void fail(Call call, int skip) {
        failures.put(call, skip);
    }

    /** The process is gone: nothing of it goes on; memory that others mapped stays. */
    public synchronized void kill(Process process) {
        process.dead = true;
        List.copyOf(owned).stream()
                .filter(each -> each.process == process)
                .forEach(
                        each -> {
                            each.vanish();
                            owned.remove(each);
                        });
    }

    private void enter(Process process, Call call) throws CudaFailure {
        calls.merge(call, 1, Integer::sum);
        if (process.dead) {
            throw new CudaFailure(call.name(), "CUDA_ERROR_DEINITIALIZED");
        }
        Integer skip = failures.get(call);
        if (skip != null) {
            failures.put(call, skip - 1);
            if (skip == 0) {
                failures.remove(call);
                throw new CudaFailure(call.name(), "CUDA_ERROR_OUT_OF_MEMORY");
            }
        }
    }

    /** As {@link #enter}, for what frees: it is freed, and the failure comes after. */
    private void leave(Owned what, Call call) throws CudaFailure {
        if (!owned.remove(what) && !what.process.dead) {
            violations.add(what.kind + " given back twice");
        }
        enter(what.process, call);
    }

    /** A block of the driver. */
    private static final class Block {
        final byte[] bytes;
        final int device;
        final Process owner;
        final byte[] handle;
        boolean freed;
        int mappings;

        Block(int number, long bytes, int device, Process owner) {
            this.bytes = new byte[Math.toIntExact(bytes) + BEFORE];
            this.device = device;
            this.owner = owner;
            this.handle = handle(number, (byte) 0x4d);
        }
    }

    private static byte[] handle(int number, byte kind) {
        byte[] handle = new byte[CudaDriver.HANDLE_BYTES];
        Arrays.fill(handle, kind);
        handle[0] = (byte) number;
        handle[1] = (byte) (number >> 8);
        handle[2] = (byte) (number >> 16);
        return handle;
    }

    /** What a stream was asked to do and has not done. */
    private static final class Stream {
        final ArrayDeque<Runnable> waiting = new ArrayDeque<>();
        long asked;
        long done;

        void ask(Runnable op) {
            waiting.add(op);
            asked++;
        }

        void runTo(long position) {
            while (done < position && !waiting.isEmpty()) {
                done++;
                waiting.remove().run();
            }
        }
    }

    /** Something that must be given back. */
    private abstract static class Owned {
        final Process process;
        final String kind;

        Owned(Process process, String kind) {
            this.process = process;
            this.kind = kind;
        }

        /** The process has died. */
        void vanish() {}
    }

    /** A process of the machine, and its driver. */
    public final class Process implements CudaDriver {
        private final long id;
        private final List<Device> visible;
        private final Map<Block, Integer> mapped = new HashMap<>();
        private boolean dead;

        private Process(long id, List<Device> visible) {
            this.id = id;
            this.visible = visible;
        }

        @Override
        public List<Device> devices() {
            return visible;
        }

        @Override
        public boolean canAccessPeer(int device, int peer) {
            return device != peer && peers;
        }

        @Override
        public long processId() {
            return id;
        }

        @Override
        public Context open(int device) throws CudaFailure {
            synchronized (FakeCuda.this) {
                enter(this, Call.OPEN);
                return new FakeContext(this, devices.indexOf(find(visible.get(device).uuid())));
            }
        }
    }

    private CudaDriver.Device find(UUID uuid) {
        return devices.stream().filter(each -> each.uuid().equals(uuid)).findFirst().orElseThrow();
    }

    private final class FakeContext extends Owned implements CudaDriver.Context {
        final int device;
        final Stream stream = new Stream();
        final Thread thread = Thread.currentThread();
        final List<MemorySegment> pinned = new ArrayList<>();

        FakeContext(Process process, int device) {
            super(process, "context");
            this.device = device;
            owned.add(this);
        }

        void check() {
            if (Thread.currentThread() != thread) {
                violations.add("a context used by " + Thread.currentThread().getName());
            }
        }

        @Override
        void vanish() {
            stream.waiting.clear();
        }

        @Override
        public CudaDriver.Memory allocate(long bytes) throws CudaFailure {
            synchronized (FakeCuda.this) {
                check();
                enter(process, Call.ALLOCATE);
                Block block = new Block(handles++, bytes, device, process);
                blocks.add(block);
                return new FakeMemory(this, block, BEFORE, "allocation");
            }
        }

        @Override
        public CudaDriver.Memory open(byte[] handle) throws CudaFailure {
            synchronized (FakeCuda.this) {
                check();
                enter(process, Call.OPEN_MEMORY);
                Block block =
                        blocks.stream()
                                .filter(each -> Arrays.equals(each.handle, handle))
                                .findFirst()
                                .orElse(null);
                if (block == null || block.freed || block.owner.dead) {
                    throw new CudaFailure("cuIpcOpenMemHandle", "CUDA_ERROR_INVALID_VALUE");
                }
                if (block.owner == process) {
                    throw new CudaFailure("cuIpcOpenMemHandle", "CUDA_ERROR_INVALID_CONTEXT");
                }
                if (block.device != device && !peers) {
                    throw new CudaFailure("cuIpcOpenMemHandle", "CUDA_ERROR_PEER_ACCESS");
                }
                if (process.mapped.merge(block, 1, Integer::sum) == 1) {
                    block.mappings++;
                }
                return new FakeMemory(this, block, 0, "mapping");
            }
        }

        @Override
        public CudaDriver.HostMemory allocateHost(long bytes) throws CudaFailure {
            synchronized (FakeCuda.this) {
                check();
                enter(process, Call.ALLOCATE_HOST);
                return new FakeHostMemory(this, bytes);
            }
        }

        @Override
        public CudaDriver.Event createEvent() throws CudaFailure {
            synchronized (FakeCuda.this) {
                check();
                enter(process, Call.CREATE_EVENT);
                FakeEvent event = new FakeEvent(this, handles++);
                events.add(event);
                return event;
            }
        }

        @Override
        public CudaDriver.Event openEvent(byte[] handle) throws CudaFailure {
            synchronized (FakeCuda.this) {
                check();
                enter(process, Call.OPEN_EVENT);
                for (FakeEvent event : events) {
                    if (Arrays.equals(event.handle, handle)
                            && event.process != process
                            && owned.contains(event)) {
                        return new OpenedEvent(this, event);
                    }
                }
                throw new CudaFailure("cuIpcOpenEventHandle", "CUDA_ERROR_INVALID_VALUE");
            }
        }

        @Override
        public void synchronize() throws CudaFailure {
            synchronized (FakeCuda.this) {
                check();
                stream.runTo(stream.asked);
                enter(process, Call.SYNCHRONIZE);
            }
        }

        @Override
        public void close() throws CudaFailure {
            synchronized (FakeCuda.this) {
                check();
                stream.runTo(stream.asked);
                leave(this, Call.CLOSE);
            }
        }

        void requirePinned(MemorySegment host) {
            for (MemorySegment each : pinned) {
                if (each.asOverlappingSlice(host).isPresent()) {
                    return;
                }
            }
            violations.add("a copy with host memory that the driver does not know");
        }
    }

    private final class FakeMemory extends Owned implements CudaDriver.Memory {
        private final FakeContext context;
        private final Block block;
        private final int at;
        private int copies;

        FakeMemory(FakeContext context, Block block, int at, String kind) {
            super(context.process, kind);
            this.context = context;
            this.block = block;
            this.at = at;
            owned.add(this);
        }

        private boolean isMapping() {
            return block.owner != process;
        }

        @Override
        void vanish() {
            if (isMapping()) {
                unmap();
            } else {
                block.freed = true;
                blocks.remove(block);
            }
        }

        private void unmap() {
            if (process.mapped.merge(block, -1, Integer::sum) == 0) {
                process.mapped.remove(block);
                block.mappings--;
            }
        }

        @Override
        public long bytes() {
            return block.bytes.length - at;
        }

        @Override
        public CudaDriver.Export export() throws CudaFailure {
            synchronized (FakeCuda.this) {
                context.check();
                enter(process, Call.EXPORT);
                return new CudaDriver.Export(block.handle.clone(), at);
            }
        }

        @Override
        public void copyFromHost(long offset, MemorySegment from) throws CudaFailure {
            synchronized (FakeCuda.this) {
                enter(process, Call.COPY_FROM_HOST);
                ask(offset, from, device -> device.copyFrom(from));
            }
        }

        @Override
        public void copyToHost(long offset, MemorySegment to) throws CudaFailure {
            synchronized (FakeCuda.this) {
                enter(process, Call.COPY_TO_HOST);
                ask(offset, to, to::copyFrom);
            }
        }

        private void ask(
                long offset, MemorySegment host, java.util.function.Consumer<MemorySegment> copy) {
            context.check();
            context.requirePinned(host);
            if (offset < 0 || offset + host.byteSize() > bytes()) {
                violations.add("a copy outside the memory");
                return;
            }
            copies++;
            context.stream.ask(
                    () -> {
                        copies--;
                        copy.accept(
                                MemorySegment.ofArray(block.bytes)
                                        .asSlice(at + offset, host.byteSize()));
                    });
        }

        @Override
        public void close() throws CudaFailure {
            synchronized (FakeCuda.this) {
                context.check();
                if (copies > 0 && !process.dead) {
                    violations.add(kind + " given back while it is copied");
                }
                if (owned.contains(this)) {
                    if (isMapping()) {
                        unmap();
                    } else {
                        block.freed = true;
                        blocks.remove(block);
                        if (block.mappings > 0) {
                            violations.add("memory freed while a peer has it mapped");
                        }
                    }
                }
                leave(this, isMapping() ? Call.UNMAP : Call.FREE);
            }
        }
    }

    private final class FakeHostMemory extends Owned implements CudaDriver.HostMemory {
        private final FakeContext context;
        private final Arena arena = Arena.ofShared();
        private final MemorySegment segment;

        FakeHostMemory(FakeContext context, long bytes) {
            super(context.process, "host memory");
            this.context = context;
            this.segment = arena.allocate(bytes, 4096);
            context.pinned.add(segment);
            owned.add(this);
        }

        @Override
        public MemorySegment segment() {
            return segment;
        }

        @Override
        public void close() throws CudaFailure {
            synchronized (FakeCuda.this) {
                context.check();
                context.pinned.remove(segment);
                if (owned.contains(this)) {
                    arena.close();
                }
                leave(this, Call.FREE_HOST);
            }
        }
    }

    private final class FakeEvent extends Owned implements CudaDriver.Event {
        private final FakeContext context;
        private final byte[] handle;
        private @Nullable Stream recorded;
        private long position;

        FakeEvent(FakeContext context, int number) {
            super(context.process, "event");
            this.context = context;
            this.handle = handle(number, (byte) 0x45);
            owned.add(this);
        }

        @Override
        public byte[] export() throws CudaFailure {
            synchronized (FakeCuda.this) {
                enter(process, Call.EXPORT_EVENT);
                return handle.clone();
            }
        }

        @Override
        public void record() throws CudaFailure {
            synchronized (FakeCuda.this) {
                context.check();
                enter(process, Call.RECORD);
                recorded = context.stream;
                position = context.stream.asked;
            }
        }

        @Override
        public void makeStreamWait() {
            throw new AssertionError("a stream need not wait for itself");
        }

        @Override
        public void close() throws CudaFailure {
            synchronized (FakeCuda.this) {
                context.check();
                events.remove(this);
                leave(this, Call.DESTROY_EVENT);
            }
        }
    }

    private final class OpenedEvent extends Owned implements CudaDriver.Event {
        private final FakeContext context;
        private final FakeEvent event;

        OpenedEvent(FakeContext context, FakeEvent event) {
            super(context.process, "opened event");
            this.context = context;
            this.event = event;
            owned.add(this);
        }

        @Override
        public byte[] export() {
            throw new AssertionError("an opened event is not exported again");
        }

        @Override
        public void record() {
            throw new AssertionError("the peer's event is not ours to record");
        }

        @Override
        public void makeStreamWait() throws CudaFailure {
            synchronized (FakeCuda.this) {
                context.check();
                enter(process, Call.WAIT);
                Stream other = event.recorded;
                long position = event.position;
                if (other != null) {
                    context.stream.ask(() -> other.runTo(position));
                }
            }
        }

        @Override
        public void close() throws CudaFailure {
            synchronized (FakeCuda.this) {
                context.check();
                leave(this, Call.DESTROY_EVENT);
            }
        }
    }
}
