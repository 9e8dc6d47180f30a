/*
 * Transform of one head of keys or values, for io.baton.kernels.transform.HeadTransform, which
 * writes down what is computed; no state, any thread. The bits are the same on all levels.
 */
#ifndef BATON_TRANSFORM_H
#define BATON_TRANSFORM_H

#include <stdint.h>

#include "baton.h"

/* Elements of the largest head. */
#define BATON_TRANSFORM_DIM 512

/* The fields are those of the Java records, in 8 bytes each. */
typedef struct {
    int64_t level;
    int64_t dim;
    int64_t kept;
    double step;
    const float *forward;
    const float *offset;
    const float *inverse;
    const float *mean;
    int64_t rotated;
    int64_t interleaved;
    const float *cos;
    const float *sin;
    uint8_t *rows;
    int64_t stride;
    int64_t blocks;
    int64_t half;
    int64_t skipped;
    int8_t *symbols;
    int64_t columns;
    const int32_t *row_of;
    const int8_t *bounds;
    uint16_t *escapes;
    int64_t most_escapes;
} baton_head;

/* The functions of one level. */
typedef struct {
    int32_t (*forward)(const baton_head *head);
    int32_t (*inverse)(const baton_head *head);
} baton_transforms;

extern const baton_transforms baton_transforms_portable;
#if defined(__x86_64__)
extern const baton_transforms baton_transforms_avx2;
extern const baton_transforms baton_transforms_avx512;
#endif

/* Escapes that were written, or read; -1 if there were too many, or too few. */
BATON_EXPORT int32_t baton_head_forward(const baton_head *head);
BATON_EXPORT int32_t baton_head_inverse(const baton_head *head);

#endif
