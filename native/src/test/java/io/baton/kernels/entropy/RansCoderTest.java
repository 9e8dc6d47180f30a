package io.baton.kernels.entropy;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.baton.kernels.c.CRans;
import io.baton.kernels.c.Level;
import io.baton.kernels.c.NativeUnavailable;
import io.baton.kernels.entropy.RansCoder.Rows;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.SplittableRandom;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.Parameter;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.provider.MethodSource;

/** Every coder gives the bytes of plain Java, and takes nothing that plain Java does not take. */
@ParameterizedClass
@MethodSource("coders")
class RansCoderTest {
    private static final RansCoder REFERENCE = new ReferenceRans();
    private static final int[] COLUMNS = {0, 1, 16, 31, 32, 33, 48, 64, 250, 256};
    private static final int MUTATIONS = 20_000;

    @Parameter Coder coder = new Coder("unset", REFERENCE);

    record Coder(String name, RansCoder rans) {
        @Override
        public String toString() {
            return name;
        }
    }

    static Stream<Coder> coders() throws NativeUnavailable {
        Stream<Coder> java = Stream.of(new Coder("java", REFERENCE));
        try {
            return Stream.concat(
                    java,
                    Stream.of(
                            new Coder("c", CRans.open(Level.PORTABLE)),
                            new Coder("c wide", CRans.open(Level.AVX2))));
        } catch (NativeUnavailable e) {
            return java;
        }
    }

    /** Tables, symbols that they have, and memory to work in. */
    private static final class Data {
        final Rows rows;
        final MemorySegment frequencies;
        final MemorySegment divisors;
        final MemorySegment slots;
        final MemorySegment symbols;
        final MemorySegment out;
        final MemorySegment decoded;

        Data(Arena arena, SplittableRandom random, int rowCount, int columns, int tables) {
            MemorySegment tableOf = arena.allocate(Math.max(2, 2L * rowCount), 8);
            rows = new Rows(rowCount, columns, tables, tableOf);
            frequencies = arena.allocate(tables * RansCoder.FREQUENCY_BYTES, 8);
            divisors = arena.allocate(tables * RansCoder.DIVISOR_BYTES, 8);
            slots = arena.allocate(tables * RansCoder.SLOT_BYTES, 8);
            symbols = arena.allocate(Math.max(1, rows.symbols()));
            decoded = arena.allocate(Math.max(1, rows.symbols()));
            out = arena.allocate(rows.maxStreamBytes());
            int[][] drawn = new int[tables][];
            for (int table = 0; table < tables; table++) {
                drawn[table] = table(random);
                for (int symbol = 0; symbol < RansCoder.SYMBOLS; symbol++) {
                    frequencies.setAtIndex(
                            ValueLayout.JAVA_SHORT,
                            (long) table * RansCoder.SYMBOLS + symbol,
                            (short) drawn[table][symbol]);
                }
            }
            for (int row = 0; row < rowCount; row++) {
                int table = random.nextInt(tables);
                tableOf.setAtIndex(ValueLayout.JAVA_SHORT, row, (short) table);
                for (int column = 0; column < columns; column++) {
                    symbols.set(
                            ValueLayout.JAVA_BYTE,
                            (long) row * columns + column,
                            (byte) symbol(drawn[table], random));
                }
            }
        }

        private static int symbol(int[] table, SplittableRandom random) {
            int place = random.nextInt(RansCoder.TOTAL);
            int symbol = 0;
            while (place >= table[symbol]) {
                place -= table[symbol++];
            }
            return symbol;
        }
    }

    /** One symbol alone, all alike, or few of very different frequency. */
    private static int[] table(SplittableRandom random) {
        int[] table = new int[RansCoder.SYMBOLS];
        switch (random.nextInt(3)) {
            case 0 -> table[random.nextInt(256)] = RansCoder.TOTAL;
            case 1 -> Arrays.fill(table, RansCoder.TOTAL / RansCoder.SYMBOLS);
            default -> {
                int left = RansCoder.TOTAL;
                for (int symbol = 40; left > 1 && symbol < 70; symbol++) {
                    table[symbol] = random.nextInt(1, left / 2 + 2);
                    left -= table[symbol];
                }
                table[255] = left;
            }
        }
        return table;
    }

    @Test
    void whatIsEncodedComesBackAndTheBytesAreThoseOfPlainJava() {
        SplittableRandom random = new SplittableRandom(3);
        for (int columns : COLUMNS) {
            for (int round = 0; round < 8; round++) {
                try (Arena arena = Arena.ofConfined()) {
                    Data data =
                            new Data(
                                    arena,
                                    random,
                                    random.nextInt(20),
                                    columns,
                                    1 + random.nextInt(5));
                    assertTrue(
                            REFERENCE.divisors(
                                    data.rows.tables(), data.frequencies, data.divisors));
                    byte[] expected =
                            REFERENCE
                                    .encode(data.rows, data.divisors, data.symbols, data.out)
                                    .toArray(ValueLayout.JAVA_BYTE);
                    byte[] divisors = data.divisors.toArray(ValueLayout.JAVA_BYTE);
                    data.divisors.fill((byte) 0);
                    assertTrue(
                            coder.rans()
                                    .divisors(data.rows.tables(), data.frequencies, data.divisors));
                    assertArrayEquals(divisors, data.divisors.toArray(ValueLayout.JAVA_BYTE));
                    MemorySegment stream =
                            coder.rans().encode(data.rows, data.divisors, data.symbols, data.out);
                    assertArrayEquals(expected, stream.toArray(ValueLayout.JAVA_BYTE));
                    assertTrue(
                            coder.rans().slots(data.rows.tables(), data.frequencies, data.slots));
                    assertTrue(coder.rans().decode(data.rows, data.slots, stream, data.decoded));
                    assertArrayEquals(
                            data.symbols.toArray(ValueLayout.JAVA_BYTE),
                            data.decoded.toArray(ValueLayout.JAVA_BYTE));
                }
            }
        }
    }

    @Test
    void aStreamIsWrittenDown() {
        try (Arena arena = Arena.ofConfined()) {
            Data data = new Data(arena, new SplittableRandom(5), 2, 3, 1);
            for (int symbol = 0; symbol < RansCoder.SYMBOLS; symbol++) {
                data.frequencies.setAtIndex(ValueLayout.JAVA_SHORT, symbol, (short) 16);
            }
            data.symbols.copyFrom(MemorySegment.ofArray(new byte[] {1, 2, 3, 4, 5, 6}));
            assertTrue(coder.rans().divisors(1, data.frequencies, data.divisors));
            MemorySegment stream =
                    coder.rans().encode(data.rows, data.divisors, data.symbols, data.out);
            // By hand, lane 0: 0x8000 takes 4 and is 0x800040, gives the word 0x40 and is 0x80,
            // takes 1 and is 0x8010. Lanes 3 to 31 hold nothing and stay 0x8000.
            assertEquals(
                    "10800000" + "20800000" + "30800000" + "00800000".repeat(29) + "400050006000",
                    HexFormat.of().formatHex(stream.toArray(ValueLayout.JAVA_BYTE)));
        }
    }

    @Test
    void bytesFromAnywhereAreTakenOrRefusedAsPlainJavaDoes() {
        assumeTrue(coder.rans() != REFERENCE, "nothing to compare with");
        SplittableRandom random = new SplittableRandom(9);
        try (Arena arena = Arena.ofConfined()) {
            Data data = new Data(arena, random, 9, 80, 3);
            assertTrue(REFERENCE.divisors(3, data.frequencies, data.divisors));
            assertTrue(REFERENCE.slots(3, data.frequencies, data.slots));
            byte[] valid =
                    REFERENCE
                            .encode(data.rows, data.divisors, data.symbols, data.out)
                            .toArray(ValueLayout.JAVA_BYTE);
            MemorySegment expected = arena.allocate(data.rows.symbols());
            for (int i = 0; i < MUTATIONS; i++) {
                byte[] bytes = mutated(valid, random);
                MemorySegment stream = arena.allocate(Math.max(1, bytes.length));
                MemorySegment exact = stream.asSlice(0, bytes.length);
                exact.copyFrom(MemorySegment.ofArray(bytes));
                boolean taken = REFERENCE.decode(data.rows, data.slots, exact, expected);
                assertEquals(
                        taken, coder.rans().decode(data.rows, data.slots, exact, data.decoded));
                if (taken) {
                    assertEquals(-1, expected.mismatch(data.decoded));
                }
            }
        }
    }

    private static byte[] mutated(byte[] valid, SplittableRandom random) {
        byte[] bytes =
                random.nextInt(4) == 0
                        ? Arrays.copyOf(valid, random.nextInt(valid.length + 40))
                        : valid.clone();
        for (int times = random.nextInt(4); times > 0 && bytes.length > 0; times--) {
            bytes[random.nextInt(bytes.length)] = (byte) random.nextInt();
        }
        return bytes;
    }

    @Test
    void tablesThatDoNotSumAndRowsWithoutOneAreRefused() {
        try (Arena arena = Arena.ofConfined()) {
            Data data = new Data(arena, new SplittableRandom(1), 2, 32, 1);
            MemorySegment wrong = arena.allocate(RansCoder.FREQUENCY_BYTES, 8);
            assertFalse(coder.rans().slots(1, wrong, data.slots));
            assertFalse(coder.rans().divisors(1, wrong, data.divisors));
            wrong.fill((byte) 0xff);
            assertFalse(coder.rans().slots(1, wrong, data.slots));
            assertFalse(coder.rans().divisors(1, wrong, data.divisors));

            assertTrue(coder.rans().divisors(1, data.frequencies, data.divisors));
            assertTrue(coder.rans().slots(1, data.frequencies, data.slots));
            MemorySegment stream =
                    coder.rans().encode(data.rows, data.divisors, data.symbols, data.out);
            data.rows.tableOf().set(ValueLayout.JAVA_SHORT, 2, (short) 1);
            assertFalse(coder.rans().decode(data.rows, data.slots, stream, data.decoded));
            assertThrows(
                    IllegalArgumentException.class,
                    () -> coder.rans().encode(data.rows, data.divisors, data.symbols, data.out));
        }
    }

    @Test
    void aSymbolWithoutAFrequencyCannotBeEncoded() {
        try (Arena arena = Arena.ofConfined()) {
            Data data = new Data(arena, new SplittableRandom(1), 1, 70, 1);
            data.frequencies.fill((byte) 0);
            data.frequencies.setAtIndex(ValueLayout.JAVA_SHORT, 7, (short) RansCoder.TOTAL);
            assertTrue(coder.rans().divisors(1, data.frequencies, data.divisors));
            for (int wrong : new int[] {0, 33, 69}) {
                data.symbols.fill((byte) 7);
                data.symbols.set(ValueLayout.JAVA_BYTE, wrong, (byte) 8);
                assertThrows(
                        IllegalArgumentException.class,
                        () ->
                                coder.rans()
                                        .encode(data.rows, data.divisors, data.symbols, data.out));
            }
        }
    }
}
