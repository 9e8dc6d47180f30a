/*
 * Runs every operation over odd shapes at every level and compares the levels; meant to run under
 * the sanitizers (BATON_SANITIZE). What the operations compute is tested from Java.
 */
#include <math.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "internal.h"
#include "transform.h"

enum { WIDTH = 3 * 256, POSITIONS = 70, BLOCK_TOKENS = 16, THREADS = 3, ROUNDS = 200 };

static const struct {
    int type;
    int block_bytes;
    int block;
    int half_at;
    int halves;
} types[] = {
    {BATON_F32, 4, 1, 0, 0},       {BATON_F16, 2, 1, 0, 0},       {BATON_BF16, 2, 1, 0, 0},
    {BATON_Q4_0, 18, 32, 0, 1},    {BATON_Q4_1, 20, 32, 0, 2},    {BATON_Q5_0, 22, 32, 0, 1},
    {BATON_Q5_1, 24, 32, 0, 2},    {BATON_Q8_0, 34, 32, 0, 1},    {BATON_Q4_K, 144, 256, 0, 2},
    {BATON_Q5_K, 176, 256, 0, 2},  {BATON_Q6_K, 210, 256, 208, 1}};

static uint32_t state = 1;

static uint32_t draw(void) {
    state = state * 1664525u + 1013904223u;
    return state >> 8;
}

static float *floats(size_t count) {
    float *values = malloc(count * sizeof *values);
    for (size_t i = 0; values != NULL && i < count; i++) {
        values[i] = (float)(draw() % 2001) / 1000.0f - 1.0f;
    }
    return values;
}

static void check(int ok, const char *what, int detail) {
    if (!ok) {
        fprintf(stderr, "selftest: %s (%d)\n", what, detail);
        exit(1);
    }
}

/* Random blocks whose scales are halves of about 0.001; exactly as many bytes as they need. */
static uint8_t *blocks_of(int kind, int rows, int cols) {
    size_t count = (size_t)rows * (size_t)(cols / types[kind].block);
    size_t each = (size_t)types[kind].block_bytes;
    uint8_t *bytes = malloc(count * each);
    for (size_t b = 0; bytes != NULL && b < count; b++) {
        for (size_t i = 0; i < each; i++) {
            bytes[b * each + i] = (uint8_t)draw();
        }
        if (types[kind].block == 1) {
            bytes[b * each + each - 1] = 0x3c;
        }
        for (int h = 0; h < types[kind].halves; h++) {
            bytes[b * each + (size_t)types[kind].half_at + 2 * (size_t)h + 1] = 0x14;
        }
    }
    return bytes;
}

static void compare(const float *a, const float *b, size_t count, const char *what, int detail) {
    float largest = 1e-3f;
    for (size_t i = 0; i < count; i++) {
        largest = fmaxf(largest, fabsf(a[i]));
    }
    for (size_t i = 0; i < count; i++) {
        check(fabsf(a[i] - b[i]) <= 1e-4f * largest, what, detail);
    }
}

static void run_one_op(baton_lane *lane, baton_op *op, const char *what) {
    check(baton_run(lane, op, 1) == BATON_OK, what, op->kind);
}

static void matmuls(baton_lane *const *lanes, int levels) {
    static const int row_counts[] = {1, 5, 8, 67};
    for (int kind = 0; kind < (int)(sizeof types / sizeof *types); kind++) {
        for (int shape = 0; shape < 4; shape++) {
            int rows = row_counts[shape];
            int cols = types[kind].block * (types[kind].block == 1 ? 37 : 3);
            int tokens = 1 + (int)(draw() % 13);
            uint8_t *src = blocks_of(kind, rows, cols);
            float *in = floats((size_t)tokens * (size_t)cols);
            float *alone = floats((size_t)rows);
            float *out[BATON_LEVELS];
            float *table[BATON_LEVELS];
            for (int i = 0; i < levels; i++) {
                out[i] = floats((size_t)tokens * (size_t)rows);
                table[i] = floats((size_t)cols);
            }
            for (int level = 0; level < levels; level++) {
                baton_weight *w = baton_weight_pack(lanes[level]->pool, types[kind].type, rows, cols, src);
                check(w != NULL, "no weight", kind);
                baton_op op = {.kind = BATON_MATMUL, .rows = tokens, .cols = cols, .count = 1};
                op.p[0] = in;
                op.p[1] = w;
                op.p[2] = out[level];
                run_one_op(lanes[level], &op, "matmul");
                for (int row = 0; row < tokens; row++) {
                    op.rows = 1;
                    op.p[0] = in + row * cols;
                    op.p[2] = alone;
                    run_one_op(lanes[level], &op, "matmul of a row");
                    check(
                        memcmp(alone, out[level] + row * rows, (size_t)rows * 4) == 0,
                        "a row depends on the others", types[kind].type);
                }
                int32_t last = rows - 1;
                baton_op embed = {.kind = BATON_EMBED, .rows = 1, .cols = cols, .number = {2}};
                embed.p[0] = &last;
                embed.p[1] = w;
                embed.p[2] = table[level];
                run_one_op(lanes[level], &embed, "embed");
            }
            for (int i = 1; i < levels; i++) {
                compare(out[0], out[i], (size_t)tokens * (size_t)rows, "levels differ", types[kind].type);
                check(
                    i == 1 || memcmp(out[1], out[i], (size_t)tokens * (size_t)rows * 4) == 0,
                    "levels with fma differ", types[kind].type);
                check(memcmp(table[0], table[i], (size_t)cols * 4) == 0, "embed differs", types[kind].type);
            }
            free(src);
            free(in);
            free(alone);
            for (int i = 0; i < levels; i++) {
                free(out[i]);
                free(table[i]);
            }
        }
    }
}

static void attentions(baton_lane *const *lanes, int levels) {
    static const int shapes[][4] = {{1, 1, 16, 0}, {9, 3, 64, 0}, {4, 1, 20, 7}, {2, 2, 80, 33}};
    for (int shape = 0; shape < 4; shape++) {
        for (int dtype = 0; dtype < 4; dtype++) {
            int heads = shapes[shape][0];
            int kv = shapes[shape][1];
            int dim = shapes[shape][2];
            int pages = (POSITIONS + BLOCK_TOKENS - 1) / BLOCK_TOKENS;
            size_t row = (size_t)dim * (dtype == 0 ? 4 : dtype == 3 ? 1 : 2) + (dtype == 3 ? 4 : 0);
            size_t bytes = (size_t)(pages * 2 * kv * BLOCK_TOKENS) * row;
            int32_t table[8] = {4, 0, 2, 1, 3};
            baton_span span = {0, POSITIONS, 0, 0};
            float *q = floats((size_t)(POSITIONS * heads * dim));
            float *alone = floats((size_t)(heads * dim));
            float *k = floats((size_t)(POSITIONS * kv * dim));
            float *v = floats((size_t)(POSITIONS * kv * dim));
            float *out[BATON_LEVELS];
            for (int i = 0; i < levels; i++) {
                out[i] = floats((size_t)(POSITIONS * heads * dim));
            }
            for (int level = 0; level < levels; level++) {
                uint8_t *pool = calloc(bytes, 1);
                baton_op store = {.kind = BATON_STORE, .rows = POSITIONS, .cols = kv * dim, .count = 1};
                int32_t n[6] = {kv, dim, dtype, BLOCK_TOKENS, heads, shapes[shape][3]};
                memcpy(store.n, n, sizeof n);
                void *p[] = {k, v, pool, &span, table};
                memcpy(store.p, p, sizeof p);
                run_one_op(lanes[level], &store, "store");
                baton_op op = store;
                op.kind = BATON_ATTENTION;
                op.cols = heads * dim;
                op.number[0] = 0.2f;
                op.number[1] = shape % 2 == 1 ? 2.0f : 0;
                op.p[0] = q;
                op.p[1] = out[level];
                run_one_op(lanes[level], &op, "attention");
                for (int row = 0; row < POSITIONS; row++) {
                    baton_span single = {0, 1, row, 0};
                    op.rows = 1;
                    op.p[0] = q + row * heads * dim;
                    op.p[1] = alone;
                    op.p[3] = &single;
                    run_one_op(lanes[level], &op, "attention of a row");
                    check(
                        memcmp(alone, out[level] + row * heads * dim, (size_t)(heads * dim) * 4) == 0,
                        "a row's attention depends on the others", shape);
                }
                free(pool);
            }
            for (int i = 1; i < levels; i++) {
                compare(out[0], out[i], (size_t)(POSITIONS * heads * dim), "attention differs", shape);
            }
            free(q);
            free(alone);
            free(k);
            free(v);
            for (int i = 0; i < levels; i++) {
                free(out[i]);
            }
        }
    }
}

/* Many short jobs: threads go to sleep, are woken and come late. */
static void crowd(baton_lane *lane) {
    enum { ROWS = 40 };
    float *x = floats((size_t)ROWS * WIDTH);
    float *delta = floats((size_t)ROWS * WIDTH);
    float *gain = floats(WIDTH);
    float *expected = malloc((size_t)ROWS * WIDTH * 4);
    baton_weight *w = baton_weight_pack(lane->pool, BATON_F32, 1, WIDTH, gain);
    check(w != NULL, "no gain", 0);
    for (int i = 0; i < ROWS * WIDTH; i++) {
        expected[i] = x[i];
    }
    enum { OPS = 5 };
    baton_op ops[OPS] = {
        {.kind = BATON_ADD, .rows = ROWS, .cols = WIDTH, .p = {x, delta}},
        {.kind = BATON_NORM, .rows = ROWS, .cols = WIDTH, .count = 1, .number = {1e-5f}, .p = {x, w, x}},
        {.kind = BATON_GATED, .rows = ROWS, .cols = WIDTH, .n = {1}, .p = {x, delta, x}},
        {.kind = BATON_BIAS, .rows = ROWS, .cols = WIDTH, .p = {x, w}},
        {.kind = BATON_SOFTCAP, .rows = ROWS, .cols = WIDTH, .number = {3}, .p = {x}}};
    for (int round = 0; round < ROUNDS; round++) {
        check(baton_run(lane, ops, OPS) == BATON_OK, "crowd", round);
    }
    for (int round = 0; round < ROUNDS; round++) {
        for (int row = 0; row < ROWS; row++) {
            baton_op one[OPS];
            memcpy(one, ops, sizeof one);
            for (int i = 0; i < OPS; i++) {
                one[i].rows = 1;
                one[i].p[0] = expected + row * WIDTH;
            }
            one[0].p[1] = one[2].p[1] = delta + row * WIDTH;
            one[1].p[2] = one[2].p[2] = expected + row * WIDTH;
            check(baton_run(lane, one, OPS) == BATON_OK, "alone", row);
        }
    }
    check(memcmp(x, expected, (size_t)ROWS * WIDTH * 4) == 0, "rows depend on the threads", 0);
    free(x);
    free(delta);
    free(gain);
    free(expected);
}

/* One of two callers that compute the same product at the same time. */
typedef struct {
    baton_lane *lane;
    const baton_weight *weight;
    const float *in;
    const float *expected;
    float *out;
    /* Products that are done: of each caller, and those after which the smaller share ends. */
    _Atomic int done;
    const _Atomic int *other;
    _Atomic int *ended;
} caller;

enum { TOKENS = 64, FEATURES = 512, PRODUCTS = 12 };

static void *run_caller(void *argument) {
    caller *self = argument;
    baton_op op = {.kind = BATON_MATMUL, .rows = TOKENS, .cols = WIDTH, .count = 1};
    op.p[0] = (void *)self->in;
    op.p[1] = (void *)self->weight;
    op.p[2] = self->out;
    while (!atomic_load(self->ended)) {
        memset(self->out, 0, (size_t)TOKENS * FEATURES * 4);
        run_one_op(self->lane, &op, "product of one of two");
        check(
            memcmp(self->out, self->expected, (size_t)TOKENS * FEATURES * 4) == 0,
            "another caller changes a product", atomic_load(&self->done));
        int done = atomic_fetch_add(&self->done, 1) + 1;
        if (done >= PRODUCTS && atomic_load(self->other) >= PRODUCTS) {
            atomic_store(self->ended, 1);
        }
    }
    return NULL;
}

/*
 * Two callers with shares 1 and 9 get the same bits as one alone, and neither waits for ever. How
 * fast each goes is for a benchmark: it depends on what else runs.
 */
static void shared(baton_lane *lane) {
    uint8_t *src = blocks_of(3, FEATURES, WIDTH);
    float *in = floats((size_t)TOKENS * WIDTH);
    float *expected = floats((size_t)TOKENS * FEATURES);
    baton_weight *w = baton_weight_pack(lane->pool, BATON_Q4_0, FEATURES, WIDTH, src);
    check(w != NULL, "no weight to share", 0);
    baton_op op = {.kind = BATON_MATMUL, .rows = TOKENS, .cols = WIDTH, .count = 1};
    op.p[0] = in;
    op.p[1] = w;
    op.p[2] = expected;
    run_one_op(lane, &op, "product alone");
    static caller callers[2];
    _Atomic int ended = 0;
    pthread_t threads[2];
    for (int i = 0; i < 2; i++) {
        callers[i] = (caller){baton_lane_open(lane->pool, i == 0 ? 1 : 9), w, in, expected,
            floats((size_t)TOKENS * FEATURES), 0, &callers[1 - i].done, &ended};
        check(callers[i].lane != NULL, "no lane", i);
    }
    for (int i = 0; i < 2; i++) {
        check(pthread_create(&threads[i], NULL, run_caller, &callers[i]) == 0, "no thread", i);
    }
    for (int i = 0; i < 2; i++) {
        pthread_join(threads[i], NULL);
    }
    for (int i = 0; i < 2; i++) {
        baton_lane_close(callers[i].lane);
        free(callers[i].out);
    }
    free(src);
    free(in);
    free(expected);
}

static void profiled(void) {
    uint64_t ticks[BATON_PROFILE_SLOTS];
    baton_profile(ticks);
    const int used[] = {BATON_NORM, BATON_ADD, BATON_GATED, BATON_ATTENTION, BATON_PROFILE_WAIT,
        BATON_PROFILE_QUANTISE, BATON_PROFILE_MATMUL + BATON_Q8_0, BATON_PROFILE_MATMUL + BATON_F32};
    for (size_t i = 0; i < sizeof used / sizeof used[0]; i++) {
        check(ticks[used[i]] > 0, "not counted", used[i]);
    }
}

/* Transforms of heads: every level gives the bits of the first. */
static void transforms(int dim, int kept, int half) {
    enum { BLOCKS = 3, COLUMNS = BLOCKS * BLOCK_TOKENS };
    size_t square = (size_t)dim * (size_t)dim;
    size_t values = (size_t)dim * COLUMNS;
    float *matrix = floats(square);
    float *vector = floats((size_t)dim);
    float *turns = floats(values);
    int32_t *rows_of = malloc((size_t)dim * sizeof *rows_of);
    int8_t *bounds = malloc((size_t)dim);
    uint16_t *rows[2] = {malloc(values * 2), malloc(values * 2)};
    int8_t *symbols[2] = {malloc(values), malloc(values)};
    uint16_t *escapes[2] = {calloc(values, 2), calloc(values, 2)};
    for (int i = 0; i < dim; i++) {
        rows_of[i] = kept - 1 - i;
        bounds[i] = (int8_t)(i % 3 == 0 ? 2 : 127);
    }
    int32_t expected = 0;
    for (int level = 0; level < BATON_LEVELS; level++) {
        if (baton_best_level(level) != level) {
            continue;
        }
        int own = level > 0;
        state = 99;
        for (size_t i = 0; i < values; i++) {
            /* Numbers around one, either sign, of either format. */
            rows[own][i] = (uint16_t)((draw() & 0x8000) | (half ? 0x3800 : 0x3f00) | (draw() & 0x3ff));
        }
        baton_head head = {
            .level = level, .dim = dim, .kept = kept, .step = 0.05, .forward = matrix,
            .offset = vector, .inverse = matrix, .mean = vector, .rotated = dim / 2 * 2,
            .interleaved = half, .cos = turns, .sin = turns, .rows = (uint8_t *)rows[own],
            .stride = (int64_t)dim * BLOCK_TOKENS * 2, .blocks = BLOCKS, .half = half, .skipped = 4,
            .symbols = symbols[own], .columns = COLUMNS, .row_of = rows_of, .bounds = bounds,
            .escapes = escapes[own], .most_escapes = (int64_t)values};
        int32_t escaped = baton_head_forward(&head);
        int32_t read = baton_head_inverse(&head);
        check(escaped >= 0 && read == escaped, "escapes", level);
        expected = own ? expected : escaped;
        check(escaped == expected, "escapes differ", level);
        check(memcmp(symbols[own], symbols[0], (size_t)kept * COLUMNS) == 0, "symbols differ", level);
        check(memcmp(escapes[own], escapes[0], (size_t)escaped * 2) == 0, "escapes differ", level);
        check(memcmp(rows[own], rows[0], values * 2) == 0, "decoded rows differ", level);
    }
    for (int i = 0; i < 2; i++) {
        free(rows[i]);
        free(symbols[i]);
        free(escapes[i]);
    }
    free(matrix);
    free(vector);
    free(turns);
    free(rows_of);
    free(bounds);
}

static int open_lanes(baton_lane **lanes, int activations) {
    int levels = 0;
    for (int level = 0; level < BATON_LEVELS; level++) {
        if (baton_best_level(level) == level) {
            baton_pool *pool = baton_pool_open(THREADS, level, activations);
            check(pool != NULL, "no pool", level);
            lanes[levels] = baton_lane_open(pool, 1);
            check(lanes[levels] != NULL, "no lane", level);
            levels++;
        }
    }
    return levels;
}

static void close_lane(baton_lane *lane) {
    baton_pool *pool = lane->pool;
    baton_lane_close(lane);
    baton_pool_close(pool);
}

int main(void) {
    transforms(64, 41, 0);
    transforms(80, 80, 1);
    transforms(20, 13, 0);
    baton_lane *lanes[BATON_LEVELS] = {NULL};
    int levels = open_lanes(lanes, BATON_8_BITS);
    matmuls(lanes, levels);
    for (int level = 0; level < levels; level++) {
        close_lane(lanes[level]);
    }
    open_lanes(lanes, BATON_13_BITS);
    matmuls(lanes, levels);
    attentions(lanes, levels);
    for (int level = 0; level < levels; level++) {
        crowd(lanes[level]);
        shared(lanes[level]);
        close_lane(lanes[level]);
    }
    profiled();
    printf("selftest: %d levels agree\n", levels);
    return 0;
}
