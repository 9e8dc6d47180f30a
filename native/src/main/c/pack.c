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

/* Eight bytes at a time: a block's 32 quanta are four words. The library is for little-endian CPUs. */
#define LOW_NIBBLES 0x0f0f0f0f0f0f0f0full

static uint64_t read64(const uint8_t *at) {
    uint64_t value;
    memcpy(&value, at, 8);
    return value;
}

/* Bit j of the lowest byte as bit 4 of byte j: 0x7f carries into a byte's top bit unless it is 0. */
static uint64_t fifth_bits(uint32_t bits) {
    uint64_t each = (bits & 0xff) * 0x0101010101010101ull & 0x8040201008040201ull;
    return (each + 0x7f7f7f7f7f7f7f7full) >> 3 & 0x1010101010101010ull;
}

static void nibbles(const uint8_t *from, uint32_t fifth, uint64_t *q) {
    for (int j = 0; j < 2; j++) {
        uint64_t both = read64(from + 8 * j);
        q[j] = (both & LOW_NIBBLES) | fifth_bits(fifth >> 8 * j);
        q[j + 2] = (both >> 4 & LOW_NIBBLES) | fifth_bits(fifth >> (8 * j + 16));
    }
}

/* The 32 quanta of block b of a row, unsigned (Q8_0: 128 added). */
INLINE void quanta(int type, const uint8_t *block, int b, uint64_t *q) {
    int sub = b % 8;
    switch (type) {
        case BATON_Q4_0: nibbles(block + 2, 0, q); break;
        case BATON_Q4_1: nibbles(block + 4, 0, q); break;
        case BATON_Q5_0: nibbles(block + 6, read32(block + 2), q); break;
        case BATON_Q5_1: nibbles(block + 8, read32(block + 4), q); break;
        case BATON_Q8_0:
            for (int j = 0; j < 4; j++) {
                q[j] = read64(block + 2 + 8 * j) ^ 0x8080808080808080ull;
            }
            break;
        case BATON_Q4_K:
        case BATON_Q5_K: {
            const uint8_t *low = block + (type == BATON_Q4_K ? 16 : 48) + 32 * (sub / 2);
            for (int j = 0; j < 4; j++) {
                q[j] = read64(low + 8 * j) >> 4 * (sub & 1) & LOW_NIBBLES;
                if (type == BATON_Q5_K) {
                    q[j] |= (read64(block + 16 + 8 * j) >> sub & 0x0101010101010101ull) << 4;
                }
            }
            break;
        }
        default: {
            int half = sub / 4;
            int quarter = sub % 4;
            const uint8_t *low = block + 64 * half + 32 * (quarter & 1);
            const uint8_t *high = block + 128 + 32 * half;
            for (int j = 0; j < 4; j++) {
                q[j] = (read64(low + 8 * j) >> 4 * (quarter >> 1) & LOW_NIBBLES) |
                       (read64(high + 8 * j) >> 2 * quarter & 0x0303030303030303ull) << 4;
            }
        }
    }
}

static const uint8_t *source_block(int type, const uint8_t *row, int b) {
    return row + (size_t)source_block_bytes(type) * (size_t)(is_k_type(type) ? b / 8 : b);
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

/* Into the panel's super header and the block's own. */
INLINE void pack_scales(
    const baton_weight *w, const uint8_t *block, int b, int lane, uint8_t *super, uint8_t *to) {
    int type = w->type;
    int lanes = w->lanes;
    if (type == BATON_Q6_K) {
        memcpy(super + 2 * lane, block + 208, 2);
        to[lane] = block[192 + 2 * (b % 8)];
        to[lanes + lane] = block[192 + 2 * (b % 8) + 1];
    } else if (is_k_type(type)) {
        memcpy(super + 2 * lane, block, 2);
        memcpy(super + 2 * lanes + 2 * lane, block + 2, 2);
        k_scale(block + 4, b % 8, to + lane, to + lanes + lane);
    } else {
        memcpy(to + 2 * lane, block, 2);
        if (block_header(type, lanes) == 4 * lanes) {
            memcpy(to + 2 * lanes + 2 * lane, block + 2, 2);
        }
    }
}

/* Bytes 0 4 1 5 of eight. */
static uint32_t even_odd(uint64_t q) {
    return (uint32_t)((q & 0xff) | (q >> 24 & 0xff00) | (q << 8 & 0xff0000) | (q >> 16 & 0xff000000));
}

/* Eight columns at a time, a byte each, to where nibble_at, nibble_shift and byte_at say. */
INLINE void place(const baton_weight *w, const uint64_t *q, int lane, uint8_t *to) {
    size_t stride = 4 * (size_t)w->lanes;
    to += 4 * lane;
    for (int j = 0; j < 4; j++) {
        if (is_nibble_type(w->type)) {
            /* Columns 0 2, 1 3, 4 6 and 5 7 to a byte: bytes 0, 1, 4 and 5 of this. */
            uint32_t word = even_odd(q[j] | q[j] >> 12);
            memcpy(to + (size_t)j * stride, &word, 4);
        } else {
            uint32_t first = even_odd(q[j]);
            uint32_t second = even_odd(q[j] >> 16);
            memcpy(to + (size_t)(2 * j) * stride, &first, 4);
            memcpy(to + (size_t)(2 * j + 1) * stride, &second, 4);
        }
    }
}

/* Rows become columns, some at a time so that what is written stays near. */
#define FLOAT_COLUMNS 64

INLINE void turn(const uint8_t *rows, uint8_t *to, size_t cols, int lanes, int valid, size_t element) {
    for (size_t from = 0; from < cols; from += FLOAT_COLUMNS) {
        size_t end = cols - from < FLOAT_COLUMNS ? cols : from + FLOAT_COLUMNS;
        for (size_t lane = 0; lane < (size_t)valid; lane++) {
            const uint8_t *row = rows + lane * cols * element;
            for (size_t k = from; k < end; k++) {
                memcpy(to + (k * (size_t)lanes + lane) * element, row + k * element, element);
            }
        }
    }
}

static void pack_blocks(const baton_weight *w, const uint8_t *rows, int valid, uint8_t *panel) {
    size_t row_bytes = source_row_bytes(w->type, w->cols);
    for (int b = 0; b < w->cols / BLOCK; b++) {
        size_t super;
        uint8_t *to = panel + block_at(w, b, &super);
        uint8_t *quants = to + block_header(w->type, w->lanes);
        for (int lane = 0; lane < valid; lane++) {
            const uint8_t *block = source_block(w->type, rows + (size_t)lane * row_bytes, b);
            pack_scales(w, block, b, lane, panel + super, to);
            uint64_t q[4];
            quanta(w->type, block, b, q);
            place(w, q, lane, quants);
        }
    }
}

void baton_pack_panel(const baton_weight *w, const uint8_t *src, int panel) {
    int left = w->rows - panel * w->lanes;
    int valid = left < w->lanes ? left : w->lanes;
    uint8_t *to = w->data + (size_t)panel * w->panel_bytes;
    const uint8_t *rows =
        src + (size_t)panel * (size_t)w->lanes * source_row_bytes(w->type, w->cols);
    if (valid < w->lanes) {
        memset(to, 0, w->panel_bytes);
    }
    if (w->type == BATON_F32) {
        turn(rows, to, (size_t)w->cols, w->lanes, valid, 4);
    } else if (is_float_type(w->type)) {
        turn(rows, to, (size_t)w->cols, w->lanes, valid, 2);
    } else {
        pack_blocks(w, rows, valid, to);
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
        const uint8_t *from = source_block(w->type, src, b);
        uint8_t *block = panel + block_at(w, local, &super);
        uint64_t words[4];
        uint8_t q[BLOCK];
        quanta(w->type, from, local, words);
        memcpy(q, words, BLOCK);
        pack_scales(w, from, local, 0, panel + super, block);
        for (int i = 0; i < BLOCK; i++) {
            out[b * BLOCK + i] = value(w, panel + super, block, 0, i, q[i]);
        }
    }
}
