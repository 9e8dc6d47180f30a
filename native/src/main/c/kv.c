/*
 * Codecs' work on every value: io.baton.kernels.kv.ReferenceKv describes it in plain Java and gives
 * the same bytes. Sums are taken in a fixed order and nothing is contracted.
 */
#include "kv.h"

#include <stddef.h>
#include <string.h>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

#define GROUP 10
#define TILE 16
#define LINE (TILE * TILE)
#define CODES 256
#define OCTAVE 8
#define ANCHOR_BITS 4
#define HIGHEST_HALF 65504.0f
#define HIGHEST_SCALE 0x4880 /* 2^18: more than 2^24 / 127 */

/* 2^(i/8) and 2^(i/4), as float32 bits. */
static const uint32_t EIGHTHS[OCTAVE] = {
    0x3f800000, 0x3f8b95c2, 0x3f9837f0, 0x3fa5fed7, 0x3fb504f3, 0x3fc5672a, 0x3fd744fd, 0x3feac0c7};
static const uint32_t QUARTERS[4] = {0x3f800000, 0x3f9837f0, 0x3fb504f3, 0x3fd744fd};

static float of_bits(uint32_t bits) {
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

static uint32_t bits_of(float value) {
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    return bits;
}

static inline uint64_t get8(const uint8_t *at) {
    uint64_t eight;
    memcpy(&eight, at, sizeof eight);
    return eight;
}

static inline void put8(uint8_t *at, uint64_t eight) {
    memcpy(at, &eight, sizeof eight);
}

/* The byte eight times. */
static inline uint64_t bytes8(int byte) {
    return 0x0101010101010101u * (uint64_t)(uint8_t)byte;
}

/* Sums of 8 bytes each. */
static inline uint64_t add8(uint64_t a, uint64_t b) {
    const uint64_t high = 0x8080808080808080u;
    return ((a & ~high) + (b & ~high)) ^ ((a ^ b) & high);
}

/* 2^((code - 128) / 8). */
static float step_of(int code) {
    return of_bits(EIGHTHS[code % OCTAVE] + ((uint32_t)(code / OCTAVE) << 23) - (16u << 23));
}

static uint8_t limited(int code) {
    return (uint8_t)(code < 0 ? 0 : code >= CODES ? CODES - 1 : code);
}

/* Eighths of an octave, rounded down, of the root of a number that is not negative. */
static int eighths(float square) {
    uint32_t bits = bits_of(square);
    uint32_t mantissa = (bits & 0x7fffff) | 0x3f800000;
    int quarters = 4 * ((int)(bits >> 23) - 127);
    for (int i = 1; i < 4; i++) {
        quarters += mantissa >= QUARTERS[i];
    }
    return quarters;
}

static int between(int value, int low, int high) {
    return value < low ? low : value > high ? high : value;
}

/* Bits of a number under those that are coded: the number's zero lies in the middle of a symbol. */
static int offset_of(int bits) {
    return bits == 0 || bits == ANCHOR_BITS ? (8 << bits) - 128 : (8 << bits) + (1 << (bits - 1)) - 128;
}

/* The least and greatest number, of 16 << bits. */
static float lowest(int bits) {
    return (float)(-128 - offset_of(bits));
}

static float highest(int bits) {
    return (float)((16 << bits) - 1 - 128 - offset_of(bits));
}

/* How many bits, 4, 2 or 1, are packed together from the shift on. */
static int plane(int bits, int shift) {
    int left = bits - shift;
    return left >= 4 ? 4 : left >= 2 ? 2 : 1;
}

/* A step as fine as the offset says, but not so fine that numbers do not reach the largest square. */
static uint8_t code_of(float square, float largest, int offset, int bits) {
    int fine = eighths(square) + 128 + offset;
    int reaches = eighths(largest) + 128 + 1 - (3 + bits) * OCTAVE;
    return limited(fine > reaches ? fine : reaches);
}

/* Of three numbers the least; the first of several. */
static int least(const float *numbers, int stride) {
    int less = numbers[stride] < numbers[0];
    return numbers[2 * stride] < numbers[less * stride] ? 2 : less;
}

/* The raw index of a coded token's row. */
static int64_t place(const baton_kv_plan *plan, int value, int head, int token) {
    int at = plan->first + token;
    int64_t block = at / plan->block_tokens;
    return (((2 * block + value) * plan->heads + head) * plan->block_tokens + at % plan->block_tokens) *
           plan->dim;
}

/* A walk over the coded tokens' rows of a head. */
typedef struct {
    int64_t at;
    int64_t block_end;
    int64_t row;
    int64_t block;
    int64_t next_block;
} walk;

static walk walk_from(const baton_kv_plan *plan, int value, int head) {
    int64_t row = plan->dim;
    int64_t block = row * plan->block_tokens;
    int64_t at = place(plan, value, head, 0);
    return (walk){
        .at = at,
        .block_end = at + block - plan->first % plan->block_tokens * row,
        .row = row,
        .block = 2 * plan->heads * block,
        .next_block = (2 * plan->heads - 1) * block};
}

static inline void walk_on(walk *to) {
    to->at += to->row;
    if (to->at == to->block_end) {
        to->at += to->next_block;
        to->block_end += to->block;
    }
}

/* Where things lie. */
typedef struct {
    const baton_kv_plan *plan;
    int anchors;
    int bits[BATON_KV_RUNS];
    int64_t lengths[BATON_KV_RUNS];
    int64_t runs[BATON_KV_RUNS];
    int64_t lows[BATON_KV_RUNS];
    uint8_t *quanta[BATON_KV_ANCHOR_STEPS];
    float *steps;
    float *inverses;
    float *key_shares;
    float *value_shares;
    float *sums;
    float *most;
    float *row;
    float *left;
    float *key_anchors;
    float *value_anchors;
} layer;

static int64_t whole(int64_t count, int64_t unit) {
    return (count + unit - 1) / unit * unit;
}

static layer layer_of(const baton_kv_plan *plan, float *work) {
    int64_t channels = (int64_t)plan->heads * plan->dim;
    int64_t anchors = (plan->coded + GROUP - 1) / GROUP;
    int64_t rest = plan->coded - anchors;
    layer at = {
        .plan = plan,
        .anchors = (int)anchors,
        .bits = {ANCHOR_BITS, ANCHOR_BITS, plan->key_bits, plan->value_bits, 0, 0},
        .lengths =
            {whole(anchors * channels, 64), whole(anchors * channels, 64), whole(rest * channels, 64),
             whole(rest * channels, 64), whole(anchors * plan->heads, 32),
             whole(rest * plan->heads, 32)},
        .steps = work,
        .inverses = work + channels,
        .key_shares = work + 2 * channels,
        .value_shares = work + 3 * channels,
        .sums = work + 4 * channels,
        .most = work + 7 * channels,
        .row = work + 10 * channels,
        .left = work + 11 * channels,
        .key_anchors = work + 12 * channels,
        .value_anchors = work + (12 + anchors) * channels};
    uint8_t *quanta = (uint8_t *)(work + (12 + 2 * anchors) * channels);
    int64_t run_at = 0;
    int64_t low_at = 0;
    for (int run = 0; run < BATON_KV_RUNS; run++) {
        int paired = run < BATON_KV_ANCHOR_STEPS;
        at.runs[run] = run_at;
        at.lows[run] = low_at;
        run_at += paired ? at.lengths[run] / 2 : at.lengths[run];
        low_at += at.lengths[run] / 8 * at.bits[run];
        if (paired) {
            at.quanta[run] = quanta;
            quanta += at.lengths[run];
        }
    }
    return at;
}

/* What follows a run up to its padded end: zero, or the last step. */
static void pad(const layer *at, uint8_t *symbols) {
    int64_t channels = (int64_t)at->plan->heads * at->plan->dim;
    int64_t rest = at->plan->coded - at->anchors;
    for (int run = 0; run < BATON_KV_RUNS; run++) {
        int of_anchors = run <= BATON_KV_VALUE_ANCHORS || run == BATON_KV_ANCHOR_STEPS;
        int64_t rows = of_anchors ? at->anchors : rest;
        int steps = run >= BATON_KV_ANCHOR_STEPS;
        int64_t length = rows * (steps ? at->plan->heads : channels);
        uint8_t *from = steps ? symbols + at->runs[run] : at->quanta[run];
        for (int64_t i = length; i < at->lengths[run]; i++) {
            from[i] = steps ? from[length - 1] : 128;
        }
    }
}

/* Steps of K and shares of both sides. */
static void take_side(const layer *at, const uint8_t *side) {
    static const float SHARES[4] = {0, 0.5f, 1, 1};
    int channels = at->plan->heads * at->plan->dim;
    for (int c = 0; c < channels; c++) {
        at->steps[c] = step_of(side[channels + c]);
        at->key_shares[c] = SHARES[side[2 * channels + c] & 3];
        at->value_shares[c] = SHARES[side[2 * channels + c] >> 2 & 3];
    }
}

/* The upper half of a float32 that 127 times is at least the largest; 0 for next to nothing. */
static uint16_t scale_of(float largest) {
    uint32_t upper = (bits_of(largest / 127.0f) + 0xffff) >> 16;
    return (uint16_t)(upper < 0x80 ? 0 : upper);
}

static uint16_t scale_at(const uint8_t *scales, int64_t i) {
    uint16_t scale;
    memcpy(&scale, scales + 2 * i, sizeof scale);
    return scale;
}

static float inverse_of(uint16_t scale) {
    return scale == 0 ? 0 : 1.0f / of_bits((uint32_t)scale << 16);
}

static float half_to_float(uint16_t half) {
    uint32_t sign = (uint32_t)(half & 0x8000) << 16;
    uint32_t magnitude = half & 0x7fff;
    if (magnitude >= 0x7c00) {
        return of_bits(sign | 0x7f800000 | magnitude << 13);
    }
    if (magnitude >= 0x400) {
        return of_bits(sign | ((magnitude << 13) + (112u << 23)));
    }
    return of_bits(sign | bits_of((float)magnitude * 0x1p-24f));
}

/* Finite, and no larger than the largest half. */
static uint16_t float_to_half(float value) {
    uint32_t bits = bits_of(value);
    uint16_t sign = (uint16_t)(bits >> 16 & 0x8000);
    uint32_t magnitude = bits & 0x7fffffff;
    if (magnitude < 113u << 23) {
        /* Adding 0.5 leaves multiples of 2^-24, rounded to even, in the low bits. */
        return (uint16_t)(sign | (bits_of(of_bits(magnitude) + 0.5f) - 0x3f000000));
    }
    magnitude += 0xfff + (magnitude >> 13 & 1);
    return (uint16_t)(sign | (magnitude - (112u << 23)) >> 13);
}

static float half_range(float value) {
    float v = value < -HIGHEST_HALF ? -HIGHEST_HALF : value;
    return v > HIGHEST_HALF ? HIGHEST_HALF : v;
}

#define TARGET
#define NAME(name) plain_##name
#include "kv_plain.inc"
#include "kv_loops.inc"

#if defined(__x86_64__)
#define TARGET __attribute__((target("avx2,f16c")))
#define NAME(name) wide_##name
#include "kv_wide.inc"
#include "kv_loops.inc"

/* Every CPU with AVX2 has F16C, for which compilers differ in having a name. */
static int is_wide(int32_t wide) {
    __builtin_cpu_init();
    return wide && __builtin_cpu_supports("avx2");
}
#define CHOOSE(wide, call) (is_wide(wide) ? wide_##call : plain_##call)
#else
#define CHOOSE(wide, call) ((void)(wide), plain_##call)
#endif

void baton_kv_split(
    const baton_kv_plan *plan, const uint16_t *raw, uint8_t *exponents, uint8_t *low, int32_t wide) {
    CHOOSE(wide, split(plan, raw, exponents, low));
}

void baton_kv_merge(
    const baton_kv_plan *plan, const uint8_t *exponents, const uint8_t *low, uint16_t *raw,
    int32_t wide) {
    CHOOSE(wide, merge(plan, exponents, low, raw));
}

void baton_kv_count(
    int32_t rows, int32_t columns, const uint16_t *table_of, const uint8_t *symbols,
    uint32_t *counts) {
    for (int32_t row = 0; row < rows; row++) {
        uint32_t *to = counts + (size_t)table_of[row] * 256;
        for (int32_t column = 0; column < columns; column++) {
            to[*symbols++]++;
        }
    }
}

void baton_kv_sums(
    int32_t rows, int32_t columns, const uint8_t *symbols, uint32_t *sums, int32_t wide) {
    for (int32_t row = 0; row < rows; row++) {
        sums[row] = CHOOSE(wide, sum(symbols + (int64_t)row * columns, columns));
    }
}

static int64_t values_of(const baton_kv_plan *plan) {
    return (int64_t)plan->blocks * plan->block_tokens * 2 * plan->heads * plan->dim;
}

/* 2^24 as bf16; infinity as f16. */
static uint16_t limit_of(const baton_kv_plan *plan) {
    return plan->half ? 0x7c00 : 0x4b80;
}

int32_t baton_kv_quantise(
    const baton_kv_plan *plan, const uint16_t *raw, uint8_t *side, uint8_t *symbols, uint8_t *low,
    float *work, int32_t wide) {
    if (CHOOSE(wide, largest(raw, values_of(plan))) >= limit_of(plan)) {
        return 0;
    }
    layer at = layer_of(plan, work);
    CHOOSE(wide, quantise(&at, raw, side, symbols));
    pad(&at, symbols);
    CHOOSE(wide, separate(&at, symbols, low));
    return 1;
}

void baton_kv_dequantise(
    const baton_kv_plan *plan, const uint8_t *side, const uint8_t *symbols, const uint8_t *low,
    uint16_t *raw, float *work, int32_t wide) {
    layer at = layer_of(plan, work);
    CHOOSE(wide, unite(&at, symbols, low));
    CHOOSE(wide, dequantise(&at, side, symbols, raw));
}

int32_t baton_kv_to_int8(
    const baton_kv_plan *plan, const uint16_t *raw, uint8_t *scales, uint8_t *symbols, float *work,
    int32_t wide) {
    if (CHOOSE(wide, largest(raw, values_of(plan))) >= limit_of(plan)) {
        return 0;
    }
    CHOOSE(wide, to_int8(plan, raw, scales, symbols, work));
    return 1;
}

int32_t baton_kv_from_int8(
    const baton_kv_plan *plan, const uint8_t *scales, const uint8_t *symbols, uint16_t *raw,
    float *work, int32_t wide) {
    int64_t count = (int64_t)plan->heads * (plan->dim + (int64_t)plan->blocks * plan->block_tokens);
    for (int64_t i = 0; i < count; i++) {
        if (scale_at(scales, i) > HIGHEST_SCALE) {
            return 0;
        }
    }
    CHOOSE(wide, from_int8(plan, scales, symbols, raw, work));
    return 1;
}
