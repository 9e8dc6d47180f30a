/* From GGUF's blocks to panels, and one row back: both exact. */
#include <string.h>

#include "internal.h"

#define SUPER 256

uint16_t baton_float_to_half(float value) {
    uint32_t bits;
    memcpy(&bits, &value, 4);
    uint16_t sign = (uint16_t)(bits >> 16 & 0x8000);
    uint32_t rest = bits & 0x7fffffff;
    if (rest > 0x7f800000) {
        return sign | 0x7e00;
    }
    if (rest >= 0x477ff000) {
        return sign | 0x7c00;
    }
    if (rest < 0x38800000) {
        /* Subnormal: adding 0.5 leaves the value's 2^-24 steps in the last bits, rounded. */
        float magnitude;
        memcpy(&magnitude, &rest, 4);
        magnitude += 0.5f;
        memcpy(&rest, &magnitude, 4);
        return sign | (uint16_t)(rest - 0x3f000000);
    }
    rest += 0xfff + (rest >> 13 & 1);
    return sign | (uint16_t)((rest - 0x38000000) >> 13);
}

static uint16_t read16(const uint8_t *at) {
    uint16_t value;
    memcpy(&value, at, 2);
    return value;
}

static uint32_t read32(const uint8_t *at) {
    uint32_t value;
    memcpy(&value, at, 4);
    return value;
}

static int source_block_bytes(int type) {
    switch (type) {
        case BATON_F32: return 4;
        case BATON_F16:
        case BATON_BF16: return 2;
        case BATON_Q4_0: return 18;
        case BATON_Q4_1: return 20;
        case BATON_Q5_0: return 22;
        case BATON_Q5_1: return 24;
        case BATON_Q8_0: return 34;
        case BATON_Q4_K: return 144;
        case BATON_Q5_K: return 176;
        default: return 210;
    }
}

static size_t source_row_bytes(int type, int cols) {
    int elements = is_float_type(type) ? 1 : is_k_type(type) ? SUPER : BLOCK;
    return (size_t)(cols / elements) * (size_t)source_block_bytes(type);
}

size_t baton_panel_bytes(int type, int cols, int lanes) {
    if (type == BATON_F32) {
        return (size_t)cols * 4 * (size_t)lanes;
    }
    if (is_float_type(type)) {
        return (size_t)cols * 2 * (size_t)lanes;
    }
    size_t blocks = (size_t)cols / BLOCK;
    size_t supers = is_k_type(type) ? (size_t)cols / SUPER : 0;
    return blocks * (size_t)(block_header(type, lanes) + quanta_bytes(type, lanes)) +
           supers * (size_t)super_header(type, lanes);
}

/* Where block b of a panel starts; its super header is at *super. */
static size_t block_at(const baton_weight *w, int b, size_t *super) {
    int type = w->type;
    int lanes = w->lanes;
    size_t bytes = (size_t)(block_header(type, lanes) + quanta_bytes(type, lanes));
    if (!is_k_type(type)) {
        *super = 0;
        return (size_t)b * bytes;
    }
    size_t whole = 8 * bytes + (size_t)super_header(type, lanes);
    *super = (size_t)(b / 8) * whole;
    return *super + (size_t)super_header(type, lanes) + (size_t)(b % 8) * bytes;
}

static void nibbles(const uint8_t *from, uint32_t fifth, uint8_t *q) {
    for (int j = 0; j < 16; j++) {
        q[j] = (uint8_t)((from[j] & 15) | (fifth >> j & 1) << 4);
        q[j + 16] = (uint8_t)(from[j] >> 4 | (fifth >> (j + 16) & 1) << 4);
    }
}

/* The 32 quanta of block b of a row, unsigned (Q8_0: 128 added). */
static void quanta(int type, const uint8_t *row, int b, uint8_t *q) {
    const uint8_t *block = row + (size_t)source_block_bytes(type) * (size_t)(is_k_type(type) ? b / 8 : b);
    int sub = b % 8;
    switch (type) {
        case BATON_Q4_0: nibbles(block + 2, 0, q); break;
        case BATON_Q4_1: nibbles(block + 4, 0, q); break;
        case BATON_Q5_0: nibbles(block + 6, read32(block + 2), q); break;
        case BATON_Q5_1: nibbles(block + 8, read32(block + 4), q); break;
        case BATON_Q8_0:
            for (int j = 0; j < BLOCK; j++) {
                q[j] = block[2 + j] ^ 0x80;
            }
            break;
        case BATON_Q4_K:
        case BATON_Q5_K: {
            const uint8_t *low = block + (type == BATON_Q4_K ? 16 : 48) + 32 * (sub / 2);
            for (int j = 0; j < BLOCK; j++) {
                int fifth = type == BATON_Q5_K ? block[16 + j] >> sub & 1 : 0;
                q[j] = (uint8_t)((low[j] >> 4 * (sub & 1) & 15) | fifth << 4);
            }
            break;
        }
        default: {
            int half = sub / 4;
            int quarter = sub % 4;
            const uint8_t *low = block + 64 * half + 32 * (quarter & 1);
            const uint8_t *high = block + 128 + 32 * half;
            for (int j = 0; j < BLOCK; j++) {
                q[j] = (uint8_t)((low[j] >> 4 * (quarter >> 1) & 15) |
                                 (high[j] >> 2 * quarter & 3) << 4);
            }
        }
    }
}

/* Six-bit scale and min of sub-block j out of a K block's 12 bytes. */
static void k_scale(const uint8_t *packed, int j, uint8_t *scale, uint8_t *min) {
    if (j < 4) {
        *scale = packed[j] & 63;
        *min = packed[j + 4] & 63;
    } else {
        *scale = (uint8_t)((packed[j + 4] & 15) | packed[j - 4] >> 6 << 4);
        *min = (uint8_t)(packed[j + 4] >> 4 | packed[j] >> 6 << 4);
    }
}

static void pack_scales(
    const baton_weight *w, const uint8_t *row, int b, int lane, uint8_t *panel) {
    int type = w->type;
    int lanes = w->lanes;
    size_t super;
    uint8_t *to = panel + block_at(w, b, &super);
    const uint8_t *block = row + (size_t)source_block_bytes(type) * (size_t)(is_k_type(type) ? b / 8 : b);
    if (type == BATON_Q6_K) {
        memcpy(panel + super + 2 * lane, block + 208, 2);
        to[lane] = block[192 + 2 * (b % 8)];
        to[lanes + lane] = block[192 + 2 * (b % 8) + 1];
    } else if (is_k_type(type)) {
        memcpy(panel + super + 2 * lane, block, 2);
        memcpy(panel + super + 2 * lanes + 2 * lane, block + 2, 2);
        k_scale(block + 4, b % 8, to + lane, to + lanes + lane);
    } else {
        memcpy(to + 2 * lane, block, 2);
        if (block_header(type, lanes) == 4 * lanes) {
            memcpy(to + 2 * lanes + 2 * lane, block + 2, 2);
        }
    }
}

/* Into a block that is zero. */
static void place(const baton_weight *w, const uint8_t *q, int lane, uint8_t *to) {
    int lanes = w->lanes;
    for (int k = 0; k < BLOCK; k++) {
        if (is_nibble_type(w->type)) {
            to[nibble_at(lanes, lane, k)] |= (uint8_t)(q[k] << nibble_shift(k));
        } else {
            to[byte_at(lanes, lane, k)] = q[k];
        }
    }
}

static void pack_float(const baton_weight *w, const uint8_t *src, int panel, int valid) {
    size_t lanes = (size_t)w->lanes;
    size_t element = w->type == BATON_F32 ? 4 : 2;
    uint8_t *to = w->data + (size_t)panel * w->panel_bytes;
    for (int lane = 0; lane < valid; lane++) {
        const uint8_t *row = src + ((size_t)panel * lanes + (size_t)lane) * (size_t)w->cols * element;
        for (size_t k = 0; k < (size_t)w->cols; k++) {
            memcpy(to + (k * lanes + (size_t)lane) * element, row + k * element, element);
        }
    }
}

void baton_pack_panel(const baton_weight *w, const uint8_t *src, int panel) {
    int left = w->rows - panel * w->lanes;
    int valid = left < w->lanes ? left : w->lanes;
    uint8_t *to = w->data + (size_t)panel * w->panel_bytes;
    memset(to, 0, w->panel_bytes);
    if (is_float_type(w->type)) {
        pack_float(w, src, panel, valid);
        return;
    }
    size_t row_bytes = source_row_bytes(w->type, w->cols);
    for (int b = 0; b < w->cols / BLOCK; b++) {
        size_t super;
        uint8_t *block = to + block_at(w, b, &super) + block_header(w->type, w->lanes);
        for (int lane = 0; lane < valid; lane++) {
            const uint8_t *row = src + ((size_t)panel * (size_t)w->lanes + (size_t)lane) * row_bytes;
            uint8_t q[BLOCK];
            quanta(w->type, row, b, q);
            place(w, q, lane, block);
            pack_scales(w, row, b, lane, to);
        }
    }
}

/* Element i of a block as ggml defines it, from its scales at lane. */
static float value(
    const baton_weight *w, const uint8_t *super, const uint8_t *block, int lane, int i, int q) {
    int type = w->type;
    int lanes = w->lanes;
    float d = baton_half_to_float(read16((is_k_type(type) ? super : block) + 2 * lane));
    switch (type) {
        case BATON_Q4_0: return (float)(q - 8) * d;
        case BATON_Q5_0: return (float)(q - 16) * d;
        case BATON_Q8_0: return (float)(q - 128) * d;
        case BATON_Q4_1:
        case BATON_Q5_1: {
            float m = baton_half_to_float(read16(block + 2 * lanes + 2 * lane));
            return (float)q * d + m;
        }
        case BATON_Q6_K: return d * (float)(int8_t)block[lanes * (i / 16) + lane] * (float)(q - 32);
        default: {
            float dmin = baton_half_to_float(read16(super + 2 * lanes + 2 * lane));
            float scale = d * (float)block[lane];
            float min = dmin * (float)block[lanes + lane];
            return scale * (float)q - min;
        }
    }
}

static int quantum(const baton_weight *w, const uint8_t *from, int lane, int k) {
    if (is_nibble_type(w->type)) {
        return from[nibble_at(w->lanes, lane, k)] >> nibble_shift(k) & 15;
    }
    return from[byte_at(w->lanes, lane, k)];
}

static float float_element(int type, const uint8_t *at) {
    if (type == BATON_F16) {
        return baton_half_to_float(read16(at));
    }
    uint32_t bits = type == BATON_F32 ? read32(at) : (uint32_t)read16(at) << 16;
    float result;
    memcpy(&result, &bits, 4);
    return result;
}

void baton_unpack_row(const baton_weight *w, int row, float *out) {
    if (w->rows == 1) {
        memcpy(out, w->data, (size_t)w->cols * 4);
        return;
    }
    const uint8_t *panel = w->data + (size_t)(row / w->lanes) * w->panel_bytes;
    int lane = row % w->lanes;
    if (is_float_type(w->type)) {
        size_t element = w->type == BATON_F32 ? 4 : 2;
        for (int k = 0; k < w->cols; k++) {
            out[k] = float_element(w->type, panel + ((size_t)k * (size_t)w->lanes + (size_t)lane) * element);
        }
        return;
    }
    for (int b = 0; b < w->cols / BLOCK; b++) {
        size_t super;
        const uint8_t *block = panel + block_at(w, b, &super);
        for (int i = 0; i < BLOCK; i++) {
            int q = quantum(w, block + block_header(w->type, w->lanes), lane, i);
            out[b * BLOCK + i] = value(w, panel + super, block, lane, i, q);
        }
    }
}

/* A vector: packed as one row of a panel of its own, and read back as float32. */
void baton_pack_vector(const baton_weight *w, const uint8_t *src) {
    float *out = (float *)(void *)w->data;
    if (is_float_type(w->type)) {
        size_t element = w->type == BATON_F32 ? 4 : 2;
        for (int k = 0; k < w->cols; k++) {
            out[k] = float_element(w->type, src + (size_t)k * element);
        }
        return;
    }
    uint8_t panel[MOST_LANES * (4 + 8 * (4 + 32))];
    for (int b = 0; b < w->cols / BLOCK; b++) {
        size_t super;
        int local = is_k_type(w->type) ? b % 8 : 0;
        const uint8_t *row = src + (size_t)source_block_bytes(w->type) *
                                       (size_t)(is_k_type(w->type) ? b / 8 : b);
        uint8_t *block = panel + block_at(w, local, &super);
        uint8_t q[BLOCK];
        quanta(w->type, row, local, q);
        pack_scales(w, row, local, 0, panel);
        for (int i = 0; i < BLOCK; i++) {
            out[b * BLOCK + i] = value(w, panel + super, block, 0, i, q[i]);
        }
    }
}
