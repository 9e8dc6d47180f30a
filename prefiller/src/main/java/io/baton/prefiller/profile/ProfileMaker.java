package io.baton.prefiller.profile;

import io.baton.common.error.BatonException;
import io.baton.common.error.ErrorCode;
import io.baton.common.model.ModelFile;
import io.baton.engine.AttentionProbe;
import io.baton.engine.ModelConfig;
import io.baton.engine.ModelWeights;
import io.baton.kernels.Activations;
import io.baton.kernels.Kernels;
import io.baton.kernels.KernelsProviders;
import io.baton.kernels.KernelsProviders.Preference;
import io.baton.kernels.KvPages;
import io.baton.kernels.kv.ReferenceKv;
import io.baton.kv.codec.CacheGenStatistics;
import io.baton.kv.codec.KvProfile;
import io.baton.kv.codec.PartShape;
import io.baton.kv.codec.klt.KltCodec;
import io.baton.kv.codec.klt.KltModel;
import io.baton.kv.codec.klt.KltProfile;
import io.baton.kv.codec.klt.KltStatistics;
import io.baton.kv.codec.klt.KltStatistics.Text;
import io.baton.kv.codec.klt.KltSteps;
import io.baton.kv.codec.klt.KltTables;
import io.baton.kv.codec.klt.KltTransform;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;

/**
 * Makes a profile: runs texts by the plain Java kernels, whose sums have a fixed order, so that
 * equal model files and texts give equal bytes on every machine. Of every three texts two give the
 * transforms of {@code klt}, and the third, which these have not seen, the tables of all codecs.
 */
public final class ProfileMaker {
    /** Tokens of a text at most. */
    public static final int TEXT_TOKENS = 1024;

    /** Fewer texts say too little. */
    public static final int LEAST_TEXTS = 3;

    private static final int CHUNK_BLOCKS = 16;

    private final ModelConfig config;
    private final KltModel model;
    private final Consumer<String> progress;

    private ProfileMaker(ModelWeights weights, Consumer<String> progress) {
        this.config = weights.config();
        this.model = model(weights);
        this.progress = progress;
    }

    /**
     * Makes a profile. Takes seconds for each text, and memory for the weights in float32.
     *
     * @param file of the model
     * @param fingerprint of the model, as workers compare it
     * @param texts token ids, at most {@link #TEXT_TOKENS} each
     * @param progress hears lines for people
     * @throws BatonException INVALID_REQUEST if there are fewer than {@link #LEAST_TEXTS}
     */
    public static KvProfile make(
            ModelFile file, String fingerprint, List<int[]> texts, Consumer<String> progress) {
        if (texts.size() < LEAST_TEXTS) {
            throw new BatonException(
                    ErrorCode.INVALID_REQUEST,
                    "a KV profile needs at least %d texts of %d tokens, there are %d"
                            .formatted(LEAST_TEXTS, TEXT_TOKENS, texts.size()),
                    "text");
        }
        int threads = Runtime.getRuntime().availableProcessors();
        try (Kernels kernels =
                KernelsProviders.choose(Preference.REFERENCE, threads, Activations.BITS_13)) {
            ModelWeights weights = ModelWeights.load(kernels, file);
            int longest = texts.stream().mapToInt(text -> text.length).max().orElseThrow();
            try (AttentionProbe probe = new AttentionProbe(weights, kernels, longest)) {
                return new ProfileMaker(weights, progress).make(probe, fingerprint, texts);
            }
        }
    }

    private KvProfile make(AttentionProbe probe, String fingerprint, List<int[]> texts) {
        List<int[]> seen = new ArrayList<>();
        List<int[]> unseen = new ArrayList<>();
        for (int i = 0; i < texts.size(); i++) {
            (i % 3 == 2 ? unseen : seen).add(texts.get(i));
        }
        KltStatistics statistics = new KltStatistics(model);
        for (int layer = 0; layer < config.layers(); layer++) {
            statistics.output(layer, probe.outputRows(layer));
        }
        int done = 0;
        for (int[] text : seen) {
            probe.run(text, layer -> statistics.add(text(layer)));
            progress.accept("KV profile: text %d of %d".formatted(++done, texts.size()));
        }
        KltTransform[] transforms = statistics.transforms();
        float step = KltSteps.of(transforms);
        KltTables tables = new KltTables(model, transforms, step);
        KvProfile.Model of =
                new KvProfile.Model(
                        fingerprint, config.layers(), config.kvHeads(), config.headDim());
        CacheGenStatistics cacheGen = new CacheGenStatistics(of, new ReferenceKv());
        for (int[] text : unseen) {
            probe.run(
                    text,
                    layer -> {
                        tables.count(text(layer));
                        count(probe.pages(), layer, cacheGen);
                    });
            progress.accept("KV profile: text %d of %d".formatted(++done, texts.size()));
        }
        KltProfile klt = KltProfile.of(model, transforms, tables, step);
        return KvProfile.make(
                of,
                Map.of(
                        KltCodec.SECTION,
                        MemorySegment.ofArray(klt.toBytes()),
                        CacheGenStatistics.SECTION,
                        cacheGen.section()));
    }

    private static KltModel model(ModelWeights weights) {
        ModelConfig config = weights.config();
        List<KltModel.Layer> layers = new ArrayList<>();
        for (int layer = 0; layer < config.layers(); layer++) {
            boolean local = config.isLocal(layer);
            ModelConfig.Rope rope = local ? config.localRope() : config.rope();
            layers.add(
                    new KltModel.Layer(
                            weights.ropeAngles(layer),
                            rope.interleaved(),
                            local ? config.attention().window() : 0));
        }
        return new KltModel(
                config.heads(),
                config.kvHeads(),
                config.headDim(),
                config.attention().scale(),
                layers);
    }

    private Text text(AttentionProbe.Layer layer) {
        double square = meanSquareLength(layer.stream());
        if (config.postNorms()) {
            // A norm divides the output by the root of its elements' mean square.
            square *= meanSquareLength(layer.output()) / config.hidden();
        }
        return new Text(
                layer.layer(), layer.rows(), layer.queries(), layer.keys(), layer.values(), square);
    }

    /** Of the rows after the first tokens, whose lengths are beyond all others. */
    private double meanSquareLength(float[] rows) {
        int first = KltStatistics.SINKS * config.hidden();
        double sum = 0;
        for (int i = first; i < rows.length; i++) {
            sum += (double) rows[i] * rows[i];
        }
        return sum * config.hidden() / (rows.length - first);
    }

    /** Whole chunks' KV of one layer, as it would be sent. */
    private static void count(
            KvPages pages, AttentionProbe.Layer layer, CacheGenStatistics statistics) {
        int blocks = layer.rows() / pages.layout().blockTokens();
        for (int block = 0; block < blocks; block += CHUNK_BLOCKS) {
            int count = Math.min(CHUNK_BLOCKS, blocks - block);
            PartShape part =
                    new PartShape(
                            pages.layout(),
                            layer.layer(),
                            1,
                            block * pages.layout().blockTokens(),
                            count);
            try (Arena arena = Arena.ofConfined()) {
                MemorySegment raw = arena.allocate(part.rawBytes(), 64);
                pages.buffer().read(pages.offset(layer.layer(), block), raw);
                statistics.add(part, raw);
            }
        }
    }
}
