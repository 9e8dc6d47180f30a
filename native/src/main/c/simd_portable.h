/* Eight floats as plain C: the compiler does what the machine can. */
#include <math.h>
#include <string.h>

#include "internal.h"

#define LEVEL_NAME baton_level_portable

typedef struct {
    float x[PANEL];
} vf;

#define EACH for (int i = 0; i < PANEL; i++)

INLINE vf v_load(const float *at) {
    vf r;
    memcpy(&r, at, sizeof r);
    return r;
}

INLINE void v_store(float *at, vf a) {
    memcpy(at, &a, sizeof a);
}

INLINE vf v_set1(float a) {
    vf r;
    EACH r.x[i] = a;
    return r;
}

INLINE vf v_add(vf a, vf b) {
    EACH a.x[i] += b.x[i];
    return a;
}

INLINE vf v_sub(vf a, vf b) {
    EACH a.x[i] -= b.x[i];
    return a;
}

INLINE vf v_mul(vf a, vf b) {
    EACH a.x[i] *= b.x[i];
    return a;
}

INLINE vf v_div(vf a, vf b) {
    EACH a.x[i] /= b.x[i];
    return a;
}

INLINE vf v_max(vf a, vf b) {
    EACH a.x[i] = a.x[i] > b.x[i] ? a.x[i] : b.x[i];
    return a;
}

INLINE vf v_min(vf a, vf b) {
    EACH a.x[i] = a.x[i] < b.x[i] ? a.x[i] : b.x[i];
    return a;
}

/* a * b + c; two roundings here, one where the machine has it. */
INLINE vf v_fma(vf a, vf b, vf c) {
    EACH c.x[i] = a.x[i] * b.x[i] + c.x[i];
    return c;
}

INLINE float v_sum(vf a) {
    return ((a.x[0] + a.x[1]) + (a.x[2] + a.x[3])) + ((a.x[4] + a.x[5]) + (a.x[6] + a.x[7]));
}

INLINE float v_largest(vf a) {
    float r = a.x[0];
    EACH r = a.x[i] > r ? a.x[i] : r;
    return r;
}

/* The sums of four vectors. */
INLINE void v_sum4(vf a, vf b, vf c, vf d, float *out) {
    out[0] = v_sum(a);
    out[1] = v_sum(b);
    out[2] = v_sum(c);
    out[3] = v_sum(d);
}

INLINE vf v_round(vf a) {
    EACH a.x[i] = rintf(a.x[i]);
    return a;
}

/* 2^a for whole a in [-126, 127]. */
INLINE vf v_power2(vf a) {
    EACH {
        int32_t bits = ((int32_t)a.x[i] + 127) * (1 << 23);
        memcpy(&a.x[i], &bits, 4);
    }
    return a;
}

INLINE vf v_load_half(const uint16_t *at) {
    vf r;
    EACH r.x[i] = baton_half_to_float(at[i]);
    return r;
}

INLINE vf v_load_bfloat(const uint16_t *at) {
    vf r;
    EACH {
        uint32_t bits = (uint32_t)at[i] << 16;
        memcpy(&r.x[i], &bits, 4);
    }
    return r;
}

INLINE void v_store_half(uint16_t *at, vf a) {
    EACH at[i] = baton_float_to_half(a.x[i]);
}

INLINE void v_store_bfloat(uint16_t *at, vf a) {
    EACH {
        uint32_t bits;
        memcpy(&bits, &a.x[i], 4);
        uint32_t rounded = (bits + 0x7fff + (bits >> 16 & 1)) >> 16;
        at[i] = (uint16_t)(a.x[i] != a.x[i] ? bits >> 16 | 0x40 : rounded);
    }
}
