/* Works through a list of operations: what is small the caller does, what is large is shared out. */
#include <string.h>
#if defined(__x86_64__)
#include <cpuid.h>
#endif

#include "internal.h"
#include "profile.h"

/* Elements below which sharing costs more than it saves, and of one shared task. */
#define ALONE 8192
#define TASK_ELEMENTS 8192

/* Multiplications of one matmul task, about 20 microseconds. */
#define TASK_PRODUCTS ((int64_t)1 << 20)

int32_t baton_abi(void) {
    return BATON_ABI;
}

#if defined(__x86_64__) && defined(BATON_EMULATE)
static int has(int level) {
    return level == BATON_AVX2 || level == BATON_AVX512_VNNI;
}
#elif defined(__x86_64__)
/* Intel's manual, volume 2, CPUID leaf 7 subleaf 1: gcc 12 has no name for it. */
static int has_avx_vnni(void) {
    unsigned a;
    unsigned b;
    unsigned c;
    unsigned d;
    return __get_cpuid_count(7, 1, &a, &b, &c, &d) && (a >> 4 & 1);
}

static int has(int level) {
    __builtin_cpu_init();
    int avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") &&
               __builtin_cpu_supports("f16c");
    int avx512 = avx2 && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
                 __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl");
    switch (level) {
        case BATON_AVX2: return avx2;
        case BATON_AVX2_VNNI: return avx2 && has_avx_vnni();
        case BATON_AVX512: return avx512;
        case BATON_AVX512_VNNI: return avx512 && __builtin_cpu_supports("avx512vnni");
        default: return level == BATON_PORTABLE;
    }
}
#else
static int has(int level) {
    return level == BATON_PORTABLE;
}
#endif

int32_t baton_best_level(int32_t cap) {
    for (int32_t level = cap; level > BATON_PORTABLE; level--) {
        if (has(level)) {
            return level;
        }
    }
    return BATON_PORTABLE;
}

/* With fewer tiles of attention for each thread, and at most so many, they are computed in parts. */
#define TILES_PER_THREAD 8
#define ATTENTION_SPLIT 64

typedef struct {
    const baton_weight *weight;
    const uint8_t *src;
} pack_job;

static void pack_task(void *context, int panel, int thread) {
    (void)thread;
    const pack_job *job = context;
    baton_pack_panel(job->weight, job->src, panel);
}

baton_weight *baton_weight_pack(
    baton_pool *pool, int32_t type, int32_t rows, int32_t cols, const void *src) {
    baton_weight *weight = baton_pool_keep(pool, sizeof *weight);
    if (weight == NULL) {
        return NULL;
    }
    weight->type = type;
    weight->rows = rows;
    weight->cols = cols;
    int lanes = baton_pool_level(pool)->lanes;
    weight->lanes = lanes;
    weight->panels = rows == 1 ? 1 : (rows + lanes - 1) / lanes;
    weight->panel_bytes = rows == 1 ? (size_t)cols * 4 : baton_panel_bytes(type, cols, lanes);
    weight->data = baton_pool_keep(pool, weight->panel_bytes * (size_t)weight->panels);
    if (weight->data == NULL) {
        return NULL;
    }
    if (rows == 1) {
        baton_pack_vector(weight, src);
    } else {
        pack_job job = {weight, src};
        baton_turn_begin(baton_pool_loading(pool));
        baton_lane_share(baton_pool_loading(pool), weight->panels, pack_task, &job);
        baton_turn_end(baton_pool_loading(pool));
    }
    return weight;
}

int64_t baton_weight_bytes(const baton_weight *weight) {
    return (int64_t)(weight->panel_bytes * (size_t)weight->panels);
}

typedef void (*row_function)(const baton_op *op, int from, int to);

typedef struct {
    const baton_op *op;
    row_function function;
    int rows_per_task;
} row_job;

static void row_task(void *context, int task, int thread) {
    (void)thread;
    const row_job *job = context;
    int from = task * job->rows_per_task;
    int to = from + job->rows_per_task;
    job->function(job->op, from, to < job->op->rows ? to : job->op->rows);
}

static void run_rows(baton_lane *lane, const baton_op *op, int row_elements, row_function function) {
    if ((int64_t)op->rows * row_elements <= ALONE) {
        function(op, 0, op->rows);
        return;
    }
    int rows = row_elements >= TASK_ELEMENTS ? 1 : TASK_ELEMENTS / row_elements;
    row_job job = {op, function, rows};
    baton_lane_share(lane, (op->rows + rows - 1) / rows, row_task, &job);
}

static void embed_rows(const baton_op *op, int from, int to) {
    const int32_t *tokens = op->p[0];
    for (int r = from; r < to; r++) {
        float *out = (float *)op->p[2] + (int64_t)r * op->cols;
        baton_unpack_row(op->p[1], tokens[r], out);
        for (int i = 0; i < op->cols; i++) {
            out[i] *= op->number[0];
        }
    }
}

static void gather_rows(const baton_op *op, int from, int to) {
    const int32_t *rows = op->p[1];
    size_t bytes = (size_t)op->cols * 4;
    for (int r = from; r < to; r++) {
        memcpy(
            (uint8_t *)op->p[2] + (size_t)r * bytes,
            (const uint8_t *)op->p[0] + (size_t)rows[r] * bytes, bytes);
    }
}

typedef struct {
    const baton_op *op;
    const baton_level *level;
    matmul_in in;
    int quant_rows_per_task;
    /* Projection i has tasks [first_task[i], first_task[i + 1]) of panels[i] panels. */
    int first_task[BATON_PROJECTIONS + 1];
    int panels[BATON_PROJECTIONS];
} matmul_job;

static void quant_task(void *context, int task, int thread) {
    (void)thread;
    const matmul_job *job = context;
    int from = task * job->quant_rows_per_task;
    int to = from + job->quant_rows_per_task;
    job->level->quantise(
        job->in.x, &job->in.quant, from, to < job->in.rows ? to : job->in.rows);
}

/* A weight of one row is a vector in float32: one sum over the columns in order. */
static void vector_product(const baton_weight *w, const matmul_in *in, float *out) {
    const float *gain = (const float *)(const void *)w->data;
    for (int r = 0; r < in->rows; r++) {
        const float *x = in->x + (int64_t)r * w->cols;
        float sum = 0;
        for (int k = 0; k < w->cols; k++) {
            sum += gain[k] * x[k];
        }
        out[r] = sum;
    }
}

static void matmul_task(void *context, int task, int thread) {
    (void)thread;
    const matmul_job *job = context;
    int i = 0;
    while (task >= job->first_task[i + 1]) {
        i++;
    }
    const baton_weight *w = job->op->p[1 + 2 * i];
    float *out = job->op->p[2 + 2 * i];
    if (w->rows == 1) {
        vector_product(w, &job->in, out);
        return;
    }
    int from = (task - job->first_task[i]) * job->panels[i];
    int to = from + job->panels[i];
    job->level->matmul(w, &job->in, out, from, to < w->panels ? to : w->panels);
}

static void split(matmul_job *job) {
    int tasks = 0;
    for (int i = 0; i < job->op->count; i++) {
        const baton_weight *w = job->op->p[1 + 2 * i];
        int64_t products = (int64_t)w->lanes * w->cols * (job->in.rows > 0 ? job->in.rows : 1);
        int64_t panels = TASK_PRODUCTS / products;
        panels = panels < 2 ? 2 : panels;
        panels = panels > w->panels ? w->panels : panels;
        job->panels[i] = (int)panels;
        job->first_task[i] = tasks;
        tasks += (w->panels + (int)panels - 1) / (int)panels;
    }
    for (int i = job->op->count; i <= BATON_PROJECTIONS; i++) {
        job->first_task[i] = tasks;
    }
}

static int quantise_rows(baton_lane *lane, matmul_job *job) {
    size_t elements = (size_t)job->in.rows * (size_t)job->op->cols;
    size_t blocks = elements / BLOCK;
    uint8_t *memory = baton_lane_scratch(
        lane, SCRATCH_QUANT, blocks * sizeof(block_meta) + 3 * elements);
    if (memory == NULL) {
        return BATON_NO_MEMORY;
    }
    quant_rows *quant = &job->in.quant;
    quant->cols = job->op->cols;
    quant->meta = (block_meta *)(void *)memory;
    quant->q = (int16_t *)(void *)(memory + blocks * sizeof(block_meta));
    quant->bytes = (int8_t *)(quant->q + elements);
    int rows = TASK_ELEMENTS / job->op->cols;
    job->quant_rows_per_task = rows < 1 ? 1 : rows;
    if (elements <= ALONE) {
        job->quant_rows_per_task = job->in.rows;
    }
    int tasks = (job->in.rows + job->quant_rows_per_task - 1) / job->quant_rows_per_task;
    profile_mark mark = profile_begin(lane);
    baton_lane_share(lane, tasks, quant_task, job);
    profile_own_inner(lane, BATON_PROFILE_QUANTISE, mark);
    return BATON_OK;
}

static int run_matmul(baton_lane *lane, const baton_op *op) {
    matmul_job job = {.op = op, .level = baton_pool_level(lane->pool)};
    job.in.x = op->p[0];
    job.in.rows = op->rows;
    int quantised = 0;
    for (int i = 0; i < op->count; i++) {
        const baton_weight *w = op->p[1 + 2 * i];
        quantised |= w->rows > 1 && !is_float_type(w->type);
    }
    if (op->rows == 0) {
        return BATON_OK;
    }
    if (quantised && quantise_rows(lane, &job) != BATON_OK) {
        return BATON_NO_MEMORY;
    }
    split(&job);
    baton_lane_share(lane, job.first_task[BATON_PROJECTIONS], matmul_task, &job);
    return BATON_OK;
}

typedef struct {
    const baton_op *op;
    const baton_level *level;
    float *scratch;
    size_t stride;
    /* Of each tile where tiles are computed in parts: its first part, and the parts' results. */
    int first_part[ATTENTION_SPLIT + 1];
    float *partial;
    size_t partial_stride;
} attention_job;

static void attention_task(void *context, int tile, int thread) {
    const attention_job *job = context;
    job->level->attention(job->op, tile, job->scratch + (size_t)thread * job->stride);
}

static void attention_part_task(void *context, int task, int thread) {
    const attention_job *job = context;
    int tile = 0;
    while (task >= job->first_part[tile + 1]) {
        tile++;
    }
    job->level->attention_part(
        job->op, tile, task - job->first_part[tile], job->scratch + (size_t)thread * job->stride,
        job->partial + (size_t)task * job->partial_stride);
}

static void attention_join_task(void *context, int tile, int thread) {
    const attention_job *job = context;
    job->level->attention_join(
        job->op, tile, job->scratch + (size_t)thread * job->stride,
        job->partial + (size_t)job->first_part[tile] * job->partial_stride);
}

/* Few tiles with many positions: their parts are shared out, then joined. */
static int run_attention_parts(baton_lane *lane, attention_job *job, int tiles) {
    job->first_part[0] = 0;
    for (int i = 0; i < tiles; i++) {
        job->first_part[i + 1] = job->first_part[i] + job->level->attention_parts(job->op, i);
    }
    job->partial_stride = job->level->attention_partial(job->op);
    job->partial = baton_lane_scratch(
        lane, SCRATCH_PARTS, (size_t)job->first_part[tiles] * job->partial_stride * 4);
    if (job->partial == NULL) {
        return BATON_NO_MEMORY;
    }
    baton_lane_share(lane, job->first_part[tiles], attention_part_task, job);
    baton_lane_share(lane, tiles, attention_join_task, job);
    return BATON_OK;
}

static int run_attention(baton_lane *lane, const baton_op *op) {
    const baton_level *level = baton_pool_level(lane->pool);
    attention_job job = {.op = op, .level = level};
    int threads = baton_pool_threads(lane->pool);
    job.stride = (level->attention_scratch(op) + 15) / 16 * 16;
    job.scratch = baton_lane_scratch(lane, SCRATCH_TASK, (size_t)threads * job.stride * 4);
    if (job.scratch == NULL) {
        return BATON_NO_MEMORY;
    }
    int tiles = level->attention_tiles(op);
    if (threads > 1 && tiles <= ATTENTION_SPLIT && tiles < TILES_PER_THREAD * threads) {
        return run_attention_parts(lane, &job, tiles);
    }
    baton_lane_share(lane, tiles, attention_task, &job);
    return BATON_OK;
}

static int run_one(baton_lane *lane, const baton_op *op) {
    const baton_level *level = baton_pool_level(lane->pool);
    switch (op->kind) {
        case BATON_EMBED: run_rows(lane, op, op->cols, embed_rows); break;
        case BATON_NORM: run_rows(lane, op, op->cols * op->count, level->norm); break;
        case BATON_MATMUL: return run_matmul(lane, op);
        case BATON_ADD: run_rows(lane, op, op->cols, level->add); break;
        case BATON_ROPE: run_rows(lane, op, op->cols, level->rope); break;
        case BATON_STORE: run_rows(lane, op, op->cols, level->store); break;
        case BATON_ATTENTION: return run_attention(lane, op);
        case BATON_GATED: run_rows(lane, op, op->cols, level->gated); break;
        case BATON_BIAS: run_rows(lane, op, op->cols, level->bias); break;
        case BATON_SOFTCAP: run_rows(lane, op, op->cols, level->softcap); break;
        case BATON_GATHER: run_rows(lane, op, op->cols, gather_rows); break;
        default: return BATON_BAD_OPERATION;
    }
    return BATON_OK;
}

static int run_all(baton_lane *lane, const baton_op *ops, int32_t count) {
    for (int32_t i = 0; i < count; i++) {
        profile_mark mark = profile_begin(lane);
        int status = run_one(lane, &ops[i]);
        if (status != BATON_OK) {
            return status;
        }
        if (ops[i].kind == BATON_MATMUL) {
            profile_matmul(lane, &ops[i], mark);
        } else {
            profile_own(lane, ops[i].kind, mark);
        }
        if (i + 1 < count && baton_turn_is_over(lane)) {
            baton_turn_pass(lane);
        }
    }
    return BATON_OK;
}

int32_t baton_run(baton_lane *lane, const baton_op *ops, int32_t count) {
    baton_turn_begin(lane);
    int status = run_all(lane, ops, count);
    baton_turn_end(lane);
    return status;
}
