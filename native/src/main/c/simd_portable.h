/*
 * Eight floats as two of the compiler's own vectors of four, which SSE2 and NEON have; elsewhere the
 * compiler does what the machine can.
 */
#include <math.h>
#include <string.h>

#include "internal.h"

#define LEVEL_NAME baton_level_portable

/* Floats of a vector. */
#define LANES 8

typedef float four __attribute__((vector_size(16)));
typedef int32_t four_int __attribute__((vector_size(16)));

typedef struct {
    four low;
    four high;
} vf;

#define EACH for (int i = 0; i < LANES; i++)

INLINE vf v_load(const float *at) {
    vf r;
    memcpy(&r.low, at, sizeof r.low);
    memcpy(&r.high, at + 4, sizeof r.high);
    return r;
}

INLINE void v_store(float *at, vf a) {
    memcpy(at, &a.low, sizeof a.low);
    memcpy(at + 4, &a.high, sizeof a.high);
}

INLINE vf v_set1(float a) {
    four all = {a, a, a, a};
    return (vf){all, all};
}

INLINE vf v_add(vf a, vf b) {
    return (vf){a.low + b.low, a.high + b.high};
}

INLINE vf v_sub(vf a, vf b) {
    return (vf){a.low - b.low, a.high - b.high};
}

INLINE vf v_mul(vf a, vf b) {
    return (vf){a.low * b.low, a.high * b.high};
}

INLINE vf v_div(vf a, vf b) {
    return (vf){a.low / b.low, a.high / b.high};
}

INLINE four select_four(four_int mask, four a, four b) {
    return (four)(((four_int)a & mask) | ((four_int)b & ~mask));
}

INLINE vf v_max(vf a, vf b) {
    return (vf){select_four(a.low > b.low, a.low, b.low), select_four(a.high > b.high, a.high, b.high)};
}

INLINE vf v_min(vf a, vf b) {
    return (vf){select_four(a.low < b.low, a.low, b.low), select_four(a.high < b.high, a.high, b.high)};
}

/* a * b + c; two roundings here, one where the machine has it. */
INLINE vf v_fma(vf a, vf b, vf c) {
    return (vf){a.low * b.low + c.low, a.high * b.high + c.high};
}

INLINE float v_sum(vf a) {
    four r = a.low + a.high;
    return (r[0] + r[1]) + (r[2] + r[3]);
}

INLINE float v_largest(vf a) {
    four r = select_four(a.low > a.high, a.low, a.high);
    float x = r[0] > r[1] ? r[0] : r[1];
    float y = r[2] > r[3] ? r[2] : r[3];
    return x > y ? x : y;
}

/* Column i of the 8 by 8 values becomes row i. */
INLINE void v_transpose(vf *r) {
    float rows[LANES][LANES];
    float columns[LANES];
    EACH v_store(rows[i], r[i]);
    for (int c = 0; c < LANES; c++) {
        EACH columns[i] = rows[i][c];
        r[c] = v_load(columns);
    }
}

/* Whole numbers of 16 bits, each cut to 8. */
INLINE void v_store_i8(int8_t *at, vf a) {
    float r[LANES];
    v_store(r, a);
    EACH {
        float cut = r[i] < -128 ? -128 : r[i];
        at[i] = (int8_t)(cut > 127 ? 127 : cut);
    }
}

/* Whether one is above the limit. */
INLINE int v_any_above(vf a, float limit) {
    return v_largest(a) > limit;
}

INLINE vf v_load_i8(const uint8_t *at) {
    float r[LANES];
    EACH r[i] = (float)(int8_t)at[i];
    return v_load(r);
}

/* To the nearest whole number, for magnitudes below 2^22: the sum has no room for a fraction. */
INLINE vf v_round(vf a) {
    vf magic = v_set1(12582912.0f);
    return v_sub(v_add(a, magic), magic);
}

/* 2^a for whole a in [-126, 127]: a + 127 stands in the last bits of the sum. */
INLINE vf v_power2(vf a) {
    vf sum = v_add(a, v_set1(12582912.0f + 127.0f));
    return (vf){(four)((four_int)sum.low << 23), (four)((four_int)sum.high << 23)};
}

INLINE vf v_load_half(const uint16_t *at) {
    float r[LANES];
    EACH r[i] = baton_half_to_float(at[i]);
    return v_load(r);
}

INLINE vf v_load_bfloat(const uint16_t *at) {
    uint32_t bits[LANES];
    float r[LANES];
    EACH bits[i] = (uint32_t)at[i] << 16;
    memcpy(r, bits, sizeof r);
    return v_load(r);
}

INLINE void v_store_half(uint16_t *at, vf a) {
    float r[LANES];
    v_store(r, a);
    EACH at[i] = baton_float_to_half(r[i]);
}

INLINE void v_store_bfloat(uint16_t *at, vf a) {
    float r[LANES];
    uint32_t bits[LANES];
    v_store(r, a);
    memcpy(bits, r, sizeof bits);
    EACH {
        uint32_t rounded = (bits[i] + 0x7fff + (bits[i] >> 16 & 1)) >> 16;
        at[i] = (uint16_t)(r[i] != r[i] ? bits[i] >> 16 | 0x40 : rounded);
    }
}
