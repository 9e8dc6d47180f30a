package io.baton.bench.coder;

import io.baton.bench.frame.Row;
import io.baton.bench.frame.SuiteContext;
import io.baton.kv.codec.PartShape;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.function.Supplier;

/**
 * Size and speed of entropy coders on the same symbols: KV as LMCache quantises it. Quantising is
 * not measured; a coder's tables and the quantiser's scales are counted. What is decoded must be
 * what was coded.
 */
public final class CoderComparison {
    private static final int ROUNDS = 5;
    private static final List<Supplier<SymbolCoder>> CODERS =
            List.of(
                    RansSymbols::new,
                    ChannelArithmetic::new,
                    () -> LibraryCoder.zstd(1),
                    () -> LibraryCoder.zstd(3),
                    LibraryCoder::lz4);

    private final SuiteContext context;
    private final String testCase;
    private final List<Quantised> parts = new ArrayList<>();

    /**
     * @param testCase model and element format, for rows of results
     */
    public CoderComparison(SuiteContext context, String testCase) {
        this.context = context;
        this.testCase = testCase;
    }

    /** Adds a part; those of other than 16-bit elements are left out. */
    public void add(PartShape shape, MemorySegment raw) {
        if (Quantised.takes(shape)) {
            parts.add(Quantised.of(shape, raw));
        }
    }

    /** Runs every coder over all parts, and adds its rows. */
    public void run() {
        for (Supplier<SymbolCoder> each : CODERS) {
            if (parts.isEmpty()) {
                return;
            }
            try (SymbolCoder coder = each.get()) {
                run(coder);
            }
        }
    }

    private void run(SymbolCoder coder) {
        double[] encode = new double[ROUNDS];
        double[] decode = new double[ROUNDS];
        long raw = parts.stream().mapToLong(Quantised::rawBytes).sum();
        long coded = 0;
        // The rounds before the first warm caches and compile; they are not counted.
        for (int round = -ROUNDS; round < ROUNDS; round++) {
            Passage passage = passage(coder);
            coded = passage.codedBytes();
            if (round >= 0) {
                encode[round] = raw / (double) passage.encodeNanos();
                decode[round] = raw / (double) passage.decodeNanos();
            }
        }
        add(coder, "size, raw to coded", "x", (double) raw / coded);
        add(coder, "encode, one thread", "GB/s raw", encode);
        add(coder, "decode, one thread", "GB/s raw", decode);
    }

    private void add(SymbolCoder coder, String metric, String unit, double... values) {
        Row.Name name =
                new Row.Name(
                        "codec",
                        testCase + " quantised as by LMCache",
                        "%s %s".formatted(coder.name(), metric));
        context.results().add(new Row(name, unit, Row.Spread.of(values), null, null, "E2"));
    }

    private record Passage(long codedBytes, long encodeNanos, long decodeNanos) {}

    private Passage passage(SymbolCoder coder) {
        long bytes = 0;
        long encodeNanos = 0;
        long decodeNanos = 0;
        byte[] out = new byte[coder.mostBytes(parts.getFirst())];
        byte[] back = new byte[parts.getFirst().symbols().length];
        for (Quantised part : parts) {
            long begin = System.nanoTime();
            int length = coder.encode(part, out);
            long middle = System.nanoTime();
            coder.decode(out, length, part, back);
            long end = System.nanoTime();
            if (!Arrays.equals(back, part.symbols())) {
                throw new IllegalStateException("%s lost a symbol".formatted(coder.name()));
            }
            bytes += length + part.scaleBytes();
            encodeNanos += middle - begin;
            decodeNanos += end - middle;
        }
        return new Passage(bytes, encodeNanos, decodeNanos);
    }
}
