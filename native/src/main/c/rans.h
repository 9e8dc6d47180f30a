/*
 * Entropy coding, for io.baton.kernels.entropy.NativeRans; no state, any thread. Wide: with vector
 * instructions where this CPU has them; the bytes are the same.
 */
#ifndef BATON_RANS_H
#define BATON_RANS_H

#include <stdint.h>

#include "baton.h"

#define BATON_RANS_LANES 32

/* The inverse of a symbol's frequency; then the frequency in 13 bits, its start in 12, the shift. */
typedef struct {
    uint32_t inverse;
    uint32_t packed;
} baton_divisor;

/* 1 if every table sums to 4096. 256 divisors, or 4096 slots, to a table. */
BATON_EXPORT int32_t baton_rans_divisors(
    int32_t tables, const uint16_t *frequencies, baton_divisor *divisors);
BATON_EXPORT int32_t baton_rans_slots(int32_t tables, const uint16_t *frequencies, uint32_t *slots);

/*
 * Rows of columns symbols, each row with the one of the tables that table_of says. Bytes of the stream
 * at the end of out, which has room for the longest; -1 if a symbol has no frequency.
 */
BATON_EXPORT int64_t baton_rans_encode(
    int32_t rows, int32_t columns, int32_t tables, const uint16_t *table_of,
    const baton_divisor *divisors, const uint8_t *symbols, uint8_t *out, int64_t out_bytes,
    int32_t wide);

/* 1 if the stream, of whatever origin, was one of these rows. */
BATON_EXPORT int32_t baton_rans_decode(
    int32_t rows, int32_t columns, int32_t tables, const uint16_t *table_of, const uint32_t *slots,
    const uint8_t *stream, int64_t stream_bytes, uint8_t *symbols, int32_t wide);

#endif
