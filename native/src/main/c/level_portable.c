/* Every kernel in plain C: any CPU, and the model that the other levels are read against. */
#include "simd_portable.h"

#include "elementwise.inc"
#include "attention.inc"

static void quantise_block(const float *x, int16_t *q, block_meta *meta, float levels) {
    float largest = 0;
    for (int i = 0; i < BLOCK; i++) {
        float magnitude = fabsf(x[i]);
        largest = magnitude > largest ? magnitude : largest;
    }
    /* So small a block is zero: its inverse would overflow. */
    float inverse = largest < 1e-30f ? 0 : levels / largest;
    int sums[2] = {0, 0};
    for (int i = 0; i < BLOCK; i++) {
        /* The comparisons also turn a NaN into a number. */
        float rounded = rintf(x[i] * inverse);
        rounded = rounded < levels ? rounded : levels;
        q[i] = (int16_t)(rounded > -levels ? rounded : -levels);
        sums[i / 16] += q[i];
    }
    meta->scale = largest < 1e-30f ? 0 : largest / levels;
    meta->sum = sums[0] + sums[1];
    meta->low_sum = sums[0];
    meta->scaled_sum = meta->scale * (float)meta->sum;
}

static void quantise_to(
    float levels, const float *x, const quant_rows *out, int from, int to) {
    int blocks = out->cols / BLOCK;
    for (int64_t b = (int64_t)from * blocks; b < (int64_t)to * blocks; b++) {
        quantise_block(x + b * BLOCK, out->q + b * BLOCK, out->meta + b, levels);
    }
}

static void quantise_13(const float *x, const quant_rows *out, int from, int to) {
    quantise_to(LEVELS_13, x, out, from, to);
}

static void quantise_8(const float *x, const quant_rows *out, int from, int to) {
    quantise_to(LEVELS_8, x, out, from, to);
}

static float half_at(const uint8_t *at, int lane) {
    uint16_t bits;
    memcpy(&bits, at + 2 * lane, 2);
    return baton_half_to_float(bits);
}

/* Rows that share one unpacking of a panel's block. */
#define PASS 32

/* A block of a panel, unpacked: x = scale * q (Q6_K: second for the upper half), and min. */
typedef struct {
    float q[BLOCK][LANES];
    float scale[LANES];
    float second[LANES];
} block;

static void unpack_quanta(int type, const uint8_t *w, block *to) {
    int bias = type_bias(type);
    for (int k = 0; k < BLOCK; k++) {
        if (is_nibble_type(type)) {
            const uint8_t *at = w + nibble_at(LANES, 0, k);
            int shift = nibble_shift(k);
            EACH to->q[k][i] = (float)((at[4 * i] >> shift & 15) - bias);
        } else {
            const uint8_t *at = w + byte_at(LANES, 0, k);
            EACH to->q[k][i] = (float)(at[4 * i] - bias);
        }
    }
}

/* The block whose header is at w. */
static void unpack(int type, const uint8_t *super, const uint8_t *w, block *to) {
    int header = block_header(type, LANES);
    unpack_quanta(type, w + header, to);
    EACH {
        if (type == BATON_Q6_K) {
            to->scale[i] = half_at(super, i) * (float)(int8_t)w[i];
            to->second[i] = half_at(super, i) * (float)(int8_t)w[LANES + i];
        } else if (is_k_type(type)) {
            to->scale[i] = half_at(super, i) * (float)w[i];
            to->second[i] = -half_at(super + 16, i) * (float)w[LANES + i];
        } else {
            to->scale[i] = half_at(w, i);
            to->second[i] = header > 2 * LANES ? half_at(w + 2 * LANES, i) : 0;
        }
    }
}

/* Products of columns [from, to): whole numbers below 2^24, so float sums of them are exact. */
INLINE vf dot(const block *w, const float *q, int from, int to) {
    vf sum = v_set1(0);
    for (int k = from; k < to; k++) {
        sum = v_fma(v_load(w->q[k]), v_set1(q[k]), sum);
    }
    return sum;
}

static void add_block(int type, const block *w, const int16_t *row, const block_meta *meta, float *acc) {
    float q[BLOCK];
    for (int k = 0; k < BLOCK; k++) {
        q[k] = (float)row[k];
    }
    vf sum = v_load(acc);
    vf scale = v_mul(v_load(w->scale), v_set1(meta->scale));
    if (type == BATON_Q6_K) {
        vf upper = v_mul(v_load(w->second), v_set1(meta->scale));
        sum = v_fma(dot(w, q, 0, BLOCK / 2), scale, sum);
        sum = v_fma(dot(w, q, BLOCK / 2, BLOCK), upper, sum);
    } else {
        sum = v_fma(dot(w, q, 0, BLOCK), scale, sum);
        sum = v_fma(v_load(w->second), v_set1(meta->scaled_sum), sum);
    }
    v_store(acc, sum);
}

/* One panel times up to PASS rows. */
static void panel_quant(
    const baton_weight *w, const uint8_t *panel, const matmul_in *in, int first, int rows,
    float acc[][LANES]) {
    int blocks = w->cols / BLOCK;
    int step = block_header(w->type, LANES) + quanta_bytes(w->type, LANES);
    const uint8_t *super = panel;
    const uint8_t *at = panel;
    for (int b = 0; b < blocks; b++) {
        block unpacked;
        if (is_k_type(w->type) && b % 8 == 0) {
            super = at;
            at += super_header(w->type, LANES);
        }
        unpack(w->type, super, at, &unpacked);
        for (int r = 0; r < rows; r++) {
            int64_t row = first + r;
            const int16_t *q = in->quant.q + row * w->cols + b * BLOCK;
            add_block(w->type, &unpacked, q, in->quant.meta + row * blocks + b, acc[r]);
        }
        at += step;
    }
}

static void panel_float(const baton_weight *w, const uint8_t *panel, const float *x, float *acc) {
    vf sum = v_set1(0);
    for (int k = 0; k < w->cols; k++) {
        const void *at = panel + (size_t)k * LANES * (w->type == BATON_F32 ? 4 : 2);
        vf weights = w->type == BATON_F32   ? v_load(at)
                     : w->type == BATON_F16 ? v_load_half(at)
                                            : v_load_bfloat(at);
        sum = v_fma(weights, v_set1(x[k]), sum);
    }
    v_store(acc, sum);
}

static void matmul_13(const baton_weight *w, const matmul_in *in, float *out, int from, int to) {
    for (int panel = from; panel < to; panel++) {
        int valid = w->rows - panel * LANES < LANES ? w->rows - panel * LANES : LANES;
        const uint8_t *data = w->data + (size_t)panel * w->panel_bytes;
        for (int first = 0; first < in->rows; first += PASS) {
            int rows = in->rows - first < PASS ? in->rows - first : PASS;
            float acc[PASS][LANES] = {{0}};
            if (!is_float_type(w->type)) {
                panel_quant(w, data, in, first, rows, acc);
            }
            for (int r = 0; r < rows; r++) {
                int64_t row = first + r;
                if (is_float_type(w->type)) {
                    panel_float(w, data, in->x + row * w->cols, acc[r]);
                }
                memcpy(out + row * w->rows + panel * LANES, acc[r], (size_t)valid * 4);
            }
        }
    }
}

/* Rows lie as with 13 bits here, and are only smaller. */
#define matmul_8 matmul_13

#include "level.inc"
