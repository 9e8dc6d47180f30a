/* Every kernel in plain C: any CPU, and the model that the other levels are read against. */
#include "simd_portable.h"

#include "elementwise.inc"
#include "attention.inc"

static void quantise_block(const float *x, int8_t *q, block_meta *meta) {
    float largest = 0;
    for (int i = 0; i < BLOCK; i++) {
        float magnitude = fabsf(x[i]);
        largest = magnitude > largest ? magnitude : largest;
    }
    /* So small a block is zero: its inverse would overflow. */
    float inverse = largest < 1e-30f ? 0 : 127.0f / largest;
    int sums[2] = {0, 0};
    for (int i = 0; i < BLOCK; i++) {
        /* The comparisons also turn a NaN into a number. */
        float rounded = rintf(x[i] * inverse);
        rounded = rounded < 127 ? rounded : 127;
        q[i] = (int8_t)(rounded > -127 ? rounded : -127);
        sums[i / 16] += q[i];
    }
    meta->scale = largest < 1e-30f ? 0 : largest / 127.0f;
    meta->sum = sums[0] + sums[1];
    meta->low_sum = sums[0];
    meta->scaled_sum = meta->scale * (float)meta->sum;
}

static void quantise(const float *x, const quant_rows *out, int wide, int from, int to) {
    int blocks = out->cols / BLOCK;
    for (int64_t b = (int64_t)from * blocks; b < (int64_t)to * blocks; b++) {
        quantise_block(x + b * BLOCK, out->q + b * BLOCK, out->meta + b);
        for (int i = 0; wide && i < BLOCK; i++) {
            out->wide[b * BLOCK + i] = out->q[b * BLOCK + i];
        }
    }
}

static float half_at(const uint8_t *at, int lane) {
    uint16_t bits;
    memcpy(&bits, at + 2 * lane, 2);
    return baton_half_to_float(bits);
}

/* Sums of quanta times row over the first and the second 16 columns. */
static void dot(int type, const uint8_t *w, const int8_t *q, int32_t sums[2][PANEL]) {
    memset(sums, 0, 2 * PANEL * sizeof(int32_t));
    for (int k = 0; k < BLOCK; k++) {
        for (int lane = 0; lane < PANEL; lane++) {
            int value;
            if (type == BATON_Q8_0) {
                value = (int8_t)w[16 * (k / 2) + 2 * lane + k % 2];
            } else if (type == BATON_Q4_0 || type == BATON_Q4_1 || type == BATON_Q4_K) {
                int byte = w[32 * (k % 16 / 4) + 4 * lane + k % 4];
                value = k < 16 ? byte & 15 : byte >> 4;
            } else {
                value = w[32 * (k / 4) + 4 * lane + k % 4];
            }
            sums[k / 16][lane] += value * q[k];
        }
    }
}

/* Adds one block's part to the sums of a panel; w is its header. */
static void add_block(
    int type, const uint8_t *super, const uint8_t *w, const int8_t *q, const block_meta *meta,
    float *acc) {
    int header = type == BATON_Q4_1 || type == BATON_Q5_1 ? 32 : 16;
    int bias = type == BATON_Q4_0 ? 8 : type == BATON_Q5_0 ? 16 : 0;
    int32_t sums[2][PANEL];
    dot(type, w + header, q, sums);
    for (int lane = 0; lane < PANEL; lane++) {
        int32_t whole = sums[0][lane] + sums[1][lane] - bias * meta->sum;
        if (type == BATON_Q6_K) {
            float d = half_at(super, lane);
            int32_t low = sums[0][lane] - 32 * meta->low_sum;
            int32_t high = sums[1][lane] - 32 * (meta->sum - meta->low_sum);
            acc[lane] += (float)low * (d * (float)(int8_t)w[lane] * meta->scale);
            acc[lane] += (float)high * (d * (float)(int8_t)w[PANEL + lane] * meta->scale);
        } else if (is_k_type(type)) {
            float scale = half_at(super, lane) * (float)w[lane];
            float min = half_at(super + 16, lane) * (float)w[PANEL + lane];
            acc[lane] += (float)whole * (scale * meta->scale);
            acc[lane] -= min * meta->scaled_sum;
        } else {
            acc[lane] += (float)whole * (half_at(w, lane) * meta->scale);
            if (header == 32) {
                acc[lane] += half_at(w + 16, lane) * meta->scaled_sum;
            }
        }
    }
}

static void panel_quant(const baton_weight *w, const uint8_t *panel, const matmul_in *in, int row, float *acc) {
    int blocks = w->cols / BLOCK;
    size_t supers = is_k_type(w->type) ? (w->type == BATON_Q6_K ? 16 : 32) : 0;
    size_t groups = supers == 0 ? 1 : (size_t)blocks / 8;
    size_t step = (w->panel_bytes - groups * supers) / (size_t)blocks;
    const uint8_t *super = panel;
    const uint8_t *at = panel;
    const int8_t *q = in->quant.q + (int64_t)row * w->cols;
    const block_meta *meta = in->quant.meta + (int64_t)row * blocks;
    for (int b = 0; b < blocks; b++) {
        if (supers != 0 && b % 8 == 0) {
            super = at;
            at += supers;
        }
        add_block(w->type, super, at, q + b * BLOCK, meta + b, acc);
        at += step;
    }
}

static void panel_float(const baton_weight *w, const uint8_t *panel, const float *x, float *acc) {
    vf sum = v_set1(0);
    for (int k = 0; k < w->cols; k++) {
        const void *at = panel + (size_t)k * PANEL * (w->type == BATON_F32 ? 4 : 2);
        vf weights = w->type == BATON_F32   ? v_load(at)
                     : w->type == BATON_F16 ? v_load_half(at)
                                            : v_load_bfloat(at);
        sum = v_fma(weights, v_set1(x[k]), sum);
    }
    v_store(acc, sum);
}

static void matmul(const baton_weight *w, const matmul_in *in, float *out, int from, int to) {
    for (int panel = from; panel < to; panel++) {
        int valid = w->rows - panel * PANEL < PANEL ? w->rows - panel * PANEL : PANEL;
        const uint8_t *data = w->data + (size_t)panel * w->panel_bytes;
        for (int r = 0; r < in->rows; r++) {
            float acc[PANEL] = {0};
            if (is_float_type(w->type)) {
                panel_float(w, data, in->x + (int64_t)r * w->cols, acc);
            } else {
                panel_quant(w, data, in, r, acc);
            }
            memcpy(out + (int64_t)r * w->rows + panel * PANEL, acc, (size_t)valid * 4);
        }
    }
}

#include "level.inc"
