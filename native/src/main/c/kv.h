/*
 * What codecs of 16-bit KV do with every value, for io.baton.kernels.kv, whose plain Java gives the
 * same bytes; no state, any thread. Raw values are one layer of consecutive blocks: of each block K
 * [heads][tokens][dim], then V the same. Wide: with vector instructions where this CPU has them.
 */
#ifndef BATON_KV_H
#define BATON_KV_H

#include <stdint.h>

#include "baton.h"

/* Of a layer coded by anchors: K's and V's anchors and the rest of both, then V's steps. */
enum {
    BATON_KV_KEY_ANCHORS,
    BATON_KV_VALUE_ANCHORS,
    BATON_KV_KEYS,
    BATON_KV_VALUES,
    BATON_KV_ANCHOR_STEPS,
    BATON_KV_STEPS,
    BATON_KV_RUNS
};

/*
 * The layer, and how it is coded by anchors; written by io.baton.kernels.kv.AnchorPlan, which says
 * what the fields mean. The other functions look at the first five.
 */
typedef struct {
    int32_t blocks;
    int32_t block_tokens;
    int32_t heads;
    int32_t dim;
    int32_t half;
    int32_t first;
    int32_t coded;
    int32_t key_anchor;
    int32_t value_anchor;
    int32_t key;
    int32_t value;
    int32_t key_bits;
    int32_t value_bits;
    int32_t lowest_anchor_step;
    int32_t highest_anchor_step;
    int32_t lowest_step;
    int32_t highest_step;
} baton_kv_plan;

/* Exponents by channel, and the other bits in the raw order; and back. */
BATON_EXPORT void baton_kv_split(
    const baton_kv_plan *plan, const uint16_t *raw, uint8_t *exponents, uint8_t *low, int32_t wide);
BATON_EXPORT void baton_kv_merge(
    const baton_kv_plan *plan, const uint8_t *exponents, const uint8_t *low, uint16_t *raw,
    int32_t wide);

/* Adds each row's symbols to the counts of its table, 256 to a table. */
BATON_EXPORT void baton_kv_count(
    int32_t rows, int32_t columns, const uint16_t *table_of, const uint8_t *symbols,
    uint32_t *counts);

/* The sum of each row's symbols. */
BATON_EXPORT void baton_kv_sums(
    int32_t rows, int32_t columns, const uint8_t *symbols, uint32_t *sums, int32_t wide);

/*
 * By anchors. Side: steps of K's anchors, steps of K, shares of the anchor, a byte each for every
 * channel. Symbols: the six runs, each to a multiple of 32. Low: the low bits of the first four. 0 if
 * a value is too large.
 */
BATON_EXPORT int32_t baton_kv_quantise(
    const baton_kv_plan *plan, const uint16_t *raw, uint8_t *side, uint8_t *symbols, uint8_t *low,
    float *work, int32_t wide);

/* Writes the coded tokens' values, and no others. Takes any bytes. */
BATON_EXPORT void baton_kv_dequantise(
    const baton_kv_plan *plan, const uint8_t *side, const uint8_t *symbols, const uint8_t *low,
    uint16_t *raw, float *work, int32_t wide);

/*
 * A byte, 128 for zero, for every value in the raw order. Scales are the upper halves of float32 at any
 * address: one for each channel of K, then one for each row of V in the raw order. 0 if a value or a scale is
 * too large. Work holds 3 floats for every channel.
 */
BATON_EXPORT int32_t baton_kv_to_int8(
    const baton_kv_plan *plan, const uint16_t *raw, uint8_t *scales, uint8_t *symbols, float *work,
    int32_t wide);
BATON_EXPORT int32_t baton_kv_from_int8(
    const baton_kv_plan *plan, const uint8_t *scales, const uint8_t *symbols, uint16_t *raw,
    float *work, int32_t wide);

#endif
