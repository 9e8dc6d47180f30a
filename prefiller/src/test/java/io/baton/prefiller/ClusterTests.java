package io.baton.prefiller;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.baton.common.generation.SamplingParams;
import io.baton.common.generation.TokenOutput;
import io.baton.common.model.TinyModel;
import io.baton.common.proto.DecodeEvent;
import io.baton.common.proto.PrefillEvent;
import io.baton.common.proto.Role;
import io.baton.common.proto.Token;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.BlockingQueue;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Timeout;

/**
 * Two prefillers and two decoders over real gRPC and TCP on a tiny model, for one class of tests;
 * answers must be exact (E0).
 */
@Timeout(180)
abstract class ClusterTests {
    static Cluster cluster;
    private static int ids;

    @BeforeAll
    static void open() {
        cluster = new Cluster(TinyModel.llama());
        cluster.prefiller("p1");
        cluster.prefiller("p2");
        cluster.decoder("d1", Role.ROLE_DECODER);
        cluster.decoder("d2", Role.ROLE_COLOCATED);
    }

    @AfterAll
    static void close() throws Exception {
        cluster.close();
    }

    static int[] prompt(long seed, int tokens) {
        Random random = new Random(seed);
        return random.ints(tokens, 0, cluster.runtime.tokenizer().vocabSize()).toArray();
    }

    static SamplingParams sampling(int maxTokens, float temperature, long seed) {
        return new SamplingParams(
                maxTokens,
                0,
                temperature,
                0,
                0.95f,
                0f,
                0f,
                0f,
                1f,
                Map.of(),
                seed,
                List.of(),
                Set.of(),
                false,
                true,
                true,
                3,
                -1,
                null,
                Set.of());
    }

    static Call call(int[] prompt, SamplingParams sampling) {
        return new Call(cluster, "req-" + ids++, prompt, sampling);
    }

    static void assertSame(List<TokenOutput> expected, Call call, int emitted) {
        List<String> wanted = new ArrayList<>();
        List<String> got = new ArrayList<>();
        for (TokenOutput token : expected) {
            wanted.add(token.index() + ":" + token.token() + ":" + token.logitsSha256());
        }
        for (DecodeEvent event : call.tokens) {
            Token token = event.getToken();
            got.add(token.getIndex() + ":" + token.getId() + ":" + token.getLogitsSha256());
            assertEquals(3, token.getTopCount());
        }
        assertEquals(wanted, got);
        assertFalse(got.isEmpty());
        assertTrue(got.get(0).startsWith(emitted + ":"));
    }

    static void assertAllFreed() throws Exception {
        for (String id : List.of("p1", "p2", "d1", "d2")) {
            cluster.awaitFreed(id);
        }
    }

    static PrefillEvent last(BlockingQueue<Call.Said<PrefillEvent>> events)
            throws InterruptedException {
        PrefillEvent last = null;
        while (true) {
            Call.Said<PrefillEvent> said = Call.next(events);
            if (said.ended()) {
                assertNotNull(last, String.valueOf(said.error()));
                return last;
            }
            last = said.event();
        }
    }
}
