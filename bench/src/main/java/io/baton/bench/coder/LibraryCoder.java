package io.baton.bench.coder;

import com.github.luben.zstd.Zstd;
import com.github.luben.zstd.ZstdCompressCtx;
import com.github.luben.zstd.ZstdDecompressCtx;
import net.jpountz.lz4.LZ4Compressor;
import net.jpountz.lz4.LZ4Factory;
import net.jpountz.lz4.LZ4FastDecompressor;

/** Compressors of bytes, in their own native libraries. */
final class LibraryCoder {
    private LibraryCoder() {}

    /** zstd at a level, with contexts that are used again. */
    static SymbolCoder zstd(int level) {
        return new ZstdSymbols(level);
    }

    /** lz4 in its fast form. */
    static SymbolCoder lz4() {
        return new Lz4Symbols();
    }

    private static final class ZstdSymbols implements SymbolCoder {
        private final int level;
        private final ZstdCompressCtx compress = new ZstdCompressCtx();
        private final ZstdDecompressCtx decompress = new ZstdDecompressCtx();

        ZstdSymbols(int level) {
            this.level = level;
            compress.setLevel(level);
        }

        @Override
        public String name() {
            return "zstd -%d".formatted(level);
        }

        @Override
        public int mostBytes(Quantised quantised) {
            return Math.toIntExact(Zstd.compressBound(quantised.symbols().length));
        }

        @Override
        public int encode(Quantised quantised, byte[] out) {
            byte[] in = quantised.symbols();
            return compress.compressByteArray(out, 0, out.length, in, 0, in.length);
        }

        @Override
        public void decode(byte[] in, int bytes, Quantised shape, byte[] symbols) {
            decompress.decompressByteArray(symbols, 0, symbols.length, in, 0, bytes);
        }

        @Override
        public void close() {
            compress.close();
            decompress.close();
        }
    }

    private static final class Lz4Symbols implements SymbolCoder {
        private final LZ4Compressor compressor = LZ4Factory.fastestInstance().fastCompressor();
        private final LZ4FastDecompressor decompressor =
                LZ4Factory.fastestInstance().fastDecompressor();

        @Override
        public String name() {
            return "lz4";
        }

        @Override
        public int mostBytes(Quantised quantised) {
            return compressor.maxCompressedLength(quantised.symbols().length);
        }

        @Override
        public int encode(Quantised quantised, byte[] out) {
            byte[] in = quantised.symbols();
            return compressor.compress(in, 0, in.length, out, 0, out.length);
        }

        @Override
        public void decode(byte[] in, int bytes, Quantised shape, byte[] symbols) {
            decompressor.decompress(in, 0, symbols, 0, symbols.length);
        }
    }
}
