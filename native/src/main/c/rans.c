/*
 * Interleaved rANS: io.baton.kernels.entropy.RansCoder describes stream and tables, and its plain
 * Java gives the same bytes.
 */
#include "rans.h"

#include <string.h>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

#define LANES BATON_RANS_LANES
#define BITS 12
#define TOTAL (1u << BITS)
#define LOW (1u << 15)
#define START_SHIFT 13
#define SHIFT_SHIFT 25
#define SYMBOLS 256

static uint32_t frequency_of(baton_divisor by) {
    return by.packed & ((1u << START_SHIFT) - 1);
}

static baton_divisor divisor(uint32_t frequency, uint32_t start) {
    if (frequency == 0) {
        return (baton_divisor){0, start % TOTAL << START_SHIFT};
    }
    uint32_t shift = frequency == 1 ? 0 : 32 - (uint32_t)__builtin_clz(frequency - 1);
    uint64_t inverse = (((uint64_t)1 << (31 + shift)) + frequency - 1) / frequency;
    return (baton_divisor){
        (uint32_t)inverse, frequency | start % TOTAL << START_SHIFT | shift << SHIFT_SHIFT};
}

int32_t baton_rans_divisors(int32_t tables, const uint16_t *frequencies, baton_divisor *divisors) {
    for (int32_t table = 0; table < tables; table++) {
        uint32_t start = 0;
        for (int symbol = 0; symbol < SYMBOLS; symbol++) {
            uint32_t frequency = *frequencies++;
            if (start + frequency > TOTAL) {
                return 0;
            }
            *divisors++ = divisor(frequency, start);
            start += frequency;
        }
        if (start != TOTAL) {
            return 0;
        }
    }
    return 1;
}

/* The slots of a symbol from slot on; past its last one up to seven are written, if there are as many. */
static void fill_slots(uint32_t *slots, uint32_t slot, uint32_t symbol, uint32_t frequency) {
    uint32_t entry = (frequency - 1) << 20 | symbol;
    uint32_t add = 0;
    for (; add < frequency && slot + add + 8 <= TOTAL; add += 8) {
        for (uint32_t i = 0; i < 8; i++) {
            slots[slot + add + i] = entry + ((add + i) << 8);
        }
    }
    for (; add < frequency; add++) {
        slots[slot + add] = entry + (add << 8);
    }
}

int32_t baton_rans_slots(int32_t tables, const uint16_t *frequencies, uint32_t *slots) {
    for (int32_t table = 0; table < tables; table++) {
        uint32_t slot = 0;
        for (uint32_t symbol = 0; symbol < SYMBOLS; symbol++) {
            uint32_t frequency = *frequencies++;
            if (slot + frequency > TOTAL) {
                return 0;
            }
            if (frequency > 0) {
                fill_slots(slots, slot, symbol, frequency);
            }
            slot += frequency;
        }
        if (slot != TOTAL) {
            return 0;
        }
        slots += TOTAL;
    }
    return 1;
}

static void put16(uint8_t *at, uint32_t value) {
    at[0] = (uint8_t)value;
    at[1] = (uint8_t)(value >> 8);
}

static uint32_t get16(const uint8_t *at) {
    return (uint32_t)at[0] | (uint32_t)at[1] << 8;
}

static void put32(uint8_t *at, uint32_t value) {
    put16(at, value);
    put16(at + 2, value >> 16);
}

static uint32_t get32(const uint8_t *at) {
    return get16(at) | get16(at + 2) << 16;
}

/* Where an encoder is; it goes backwards. */
typedef struct {
    uint32_t states[LANES];
    uint8_t *at;
} writer;

/* The columns to - 1 down to from of a row; 0 if a symbol has no frequency. */
static int encode_columns(
    writer *out, const baton_divisor *divisors, const uint8_t *line, int32_t from, int32_t to) {
    for (int32_t column = to - 1; column >= from; column--) {
        baton_divisor by = divisors[line[column]];
        uint32_t frequency = frequency_of(by);
        if (frequency == 0) {
            return 0;
        }
        uint32_t state = out->states[column % LANES];
        if (state >> (31 - BITS) >= frequency) {
            out->at -= 2;
            put16(out->at, state);
            state >>= 16;
        }
        uint32_t quotient = (uint32_t)((uint64_t)state * by.inverse >> (31 + (by.packed >> SHIFT_SHIFT)));
        uint32_t start = by.packed >> START_SHIFT & (TOTAL - 1);
        out->states[column % LANES] = state + start + quotient * (TOTAL - frequency);
    }
    return 1;
}

/* Where a decoder is. */
typedef struct {
    uint32_t states[LANES];
    const uint8_t *at;
    const uint8_t *end;
} reader;

/* The columns from..to of a row, within one group of lanes; 0 if words are missing. */
static int decode_columns(
    reader *in, const uint32_t *slots, uint8_t *line, int32_t from, int32_t to) {
    for (int32_t column = from; column < to; column++) {
        uint32_t state = in->states[column % LANES];
        uint32_t slot = slots[state & (TOTAL - 1)];
        line[column] = (uint8_t)slot;
        state = ((slot >> 20) + 1) * (state >> BITS) + (slot >> 8 & (TOTAL - 1));
        if (state < LOW) {
            if (in->end - in->at < 2) {
                return 0;
            }
            state = state << 16 | get16(in->at);
            in->at += 2;
        }
        in->states[column % LANES] = state;
    }
    return 1;
}

#if defined(__x86_64__)
/* Of 8 lanes that want words or not: for each lane the number of lanes before it that want one. */
static uint64_t places[256];

__attribute__((constructor)) static void fill_places(void) {
    for (int mask = 0; mask < 256; mask++) {
        uint64_t place = 0;
        for (int lane = 0; lane < 8; lane++) {
            place |= (uint64_t)__builtin_popcount((unsigned)mask & ((1u << lane) - 1)) << 8 * lane;
        }
        places[mask] = place;
    }
}

/* 8 slots, one by one: the CPU's own gather takes longer. */
__attribute__((target("avx2"))) static inline __m256i fetch(const uint32_t *slots, __m256i index) {
    uint64_t a = (uint64_t)_mm256_extract_epi64(index, 0);
    uint64_t b = (uint64_t)_mm256_extract_epi64(index, 1);
    uint64_t c = (uint64_t)_mm256_extract_epi64(index, 2);
    uint64_t d = (uint64_t)_mm256_extract_epi64(index, 3);
    __m128i first = _mm_insert_epi32(_mm_cvtsi32_si128((int)slots[(uint32_t)a]), (int)slots[a >> 32], 1);
    __m128i second = _mm_insert_epi32(_mm_cvtsi32_si128((int)slots[(uint32_t)b]), (int)slots[b >> 32], 1);
    __m128i third = _mm_insert_epi32(_mm_cvtsi32_si128((int)slots[(uint32_t)c]), (int)slots[c >> 32], 1);
    __m128i fourth = _mm_insert_epi32(_mm_cvtsi32_si128((int)slots[(uint32_t)d]), (int)slots[d >> 32], 1);
    return _mm256_set_m128i(_mm_unpacklo_epi64(third, fourth), _mm_unpacklo_epi64(first, second));
}

/* Takes a symbol from each of 8 states; the new states before words are added. */
__attribute__((target("avx2"))) static inline __m256i step(
    __m256i state, const uint32_t *slots, __m256i *symbols) {
    const __m256i mask = _mm256_set1_epi32(TOTAL - 1);
    __m256i slot = fetch(slots, _mm256_and_si256(state, mask));
    *symbols = _mm256_and_si256(slot, _mm256_set1_epi32(0xff));
    __m256i frequency =
        _mm256_add_epi32(_mm256_srli_epi32(slot, 20), _mm256_set1_epi32(1));
    return _mm256_add_epi32(
        _mm256_mullo_epi32(frequency, _mm256_srli_epi32(state, BITS)),
        _mm256_and_si256(_mm256_srli_epi32(slot, 8), mask));
}

/* Gives a word to each state under LOW. */
__attribute__((target("avx2,popcnt"))) static inline __m256i refill(
    __m256i state, const uint8_t **at) {
    __m256i low = _mm256_cmpeq_epi32(_mm256_srli_epi32(state, 15), _mm256_setzero_si256());
    unsigned mask = (unsigned)_mm256_movemask_ps(_mm256_castsi256_ps(low));
    __m256i words = _mm256_cvtepu16_epi32(_mm_loadu_si128((const __m128i *)(const void *)*at));
    __m256i place = _mm256_cvtepu8_epi32(_mm_cvtsi64_si128((long long)places[mask]));
    words = _mm256_permutevar8x32_epi32(words, place);
    *at += 2 * (unsigned)__builtin_popcount(mask);
    return _mm256_blendv_epi8(
        state, _mm256_or_si256(_mm256_slli_epi32(state, 16), words), low);
}

/* Whole groups of a row while words for all lanes may be read; the column it came to. */
__attribute__((target("avx2,popcnt"))) static int32_t decode_groups(
    reader *in, const uint32_t *slots, uint8_t *line, int32_t columns) {
    /* Symbols come as four times 8 bytes whose 4-byte parts are out of order. */
    const __m256i order = _mm256_setr_epi32(0, 4, 1, 5, 2, 6, 3, 7);
    __m256i *states = (__m256i *)(void *)in->states;
    __m256i a = _mm256_loadu_si256(states);
    __m256i b = _mm256_loadu_si256(states + 1);
    __m256i c = _mm256_loadu_si256(states + 2);
    __m256i d = _mm256_loadu_si256(states + 3);
    const uint8_t *at = in->at;
    int32_t column = 0;
    for (; column + LANES <= columns && in->end - at >= 2 * LANES; column += LANES) {
        __m256i sa;
        __m256i sb;
        __m256i sc;
        __m256i sd;
        a = step(a, slots, &sa);
        b = step(b, slots, &sb);
        c = step(c, slots, &sc);
        d = step(d, slots, &sd);
        a = refill(a, &at);
        b = refill(b, &at);
        c = refill(c, &at);
        d = refill(d, &at);
        __m256i bytes =
            _mm256_packus_epi16(_mm256_packus_epi32(sa, sb), _mm256_packus_epi32(sc, sd));
        _mm256_storeu_si256(
            (__m256i *)(void *)(line + column), _mm256_permutevar8x32_epi32(bytes, order));
    }
    in->at = at;
    _mm256_storeu_si256(states, a);
    _mm256_storeu_si256(states + 1, b);
    _mm256_storeu_si256(states + 2, c);
    _mm256_storeu_si256(states + 3, d);
    return column;
}

/* Of 8 lanes that give words or not: the lanes that do, in order, at the end. */
static uint64_t givers[256];

__attribute__((constructor)) static void fill_givers(void) {
    for (int mask = 0; mask < 256; mask++) {
        uint64_t lanes = 0;
        int place = 8 - __builtin_popcount((unsigned)mask);
        for (int lane = 0; lane < 8; lane++) {
            if (mask >> lane & 1) {
                lanes |= (uint64_t)lane << 8 * place++;
            }
        }
        givers[mask] = lanes;
    }
}

/* Two divisors; fetched so, 8 take half of the time that the CPU's own gather takes. */
__attribute__((target("avx2"))) static inline __m128 two(
    const baton_divisor *divisors, uint8_t first, uint8_t second) {
    __m128i low = _mm_loadl_epi64((const __m128i *)(const void *)(divisors + first));
    return _mm_loadh_pi(_mm_castsi128_ps(low), (const __m64 *)(const void *)(divisors + second));
}

/* Puts 8 symbols into 8 states; a symbol without a frequency leaves its mark in none. */
__attribute__((target("avx2,popcnt"))) static inline __m256i put(
    __m256i state, const baton_divisor *divisors, const uint8_t *line, uint8_t **at, __m256i *none) {
    __m256 outer =
        _mm256_set_m128(two(divisors, line[4], line[5]), two(divisors, line[0], line[1]));
    __m256 inner =
        _mm256_set_m128(two(divisors, line[6], line[7]), two(divisors, line[2], line[3]));
    __m256i inverse = _mm256_castps_si256(_mm256_shuffle_ps(outer, inner, 0x88));
    __m256i packed = _mm256_castps_si256(_mm256_shuffle_ps(outer, inner, 0xdd));
    __m256i frequency = _mm256_and_si256(packed, _mm256_set1_epi32((1 << START_SHIFT) - 1));
    *none = _mm256_or_si256(*none, _mm256_cmpeq_epi32(frequency, _mm256_setzero_si256()));

    __m256i keep = _mm256_cmpgt_epi32(frequency, _mm256_srli_epi32(state, 31 - BITS));
    unsigned gives = ~(unsigned)_mm256_movemask_ps(_mm256_castsi256_ps(keep)) & 0xff;
    __m256i order = _mm256_cvtepu8_epi32(_mm_cvtsi64_si128((long long)givers[gives]));
    __m256i words = _mm256_permutevar8x32_epi32(
        _mm256_and_si256(state, _mm256_set1_epi32(0xffff)), order);
    words = _mm256_permute4x64_epi64(_mm256_packus_epi32(words, words), 0xd8);
    _mm_storeu_si128((__m128i *)(void *)(*at - 16), _mm256_castsi256_si128(words));
    *at -= 2 * (unsigned)__builtin_popcount(gives);
    state = _mm256_blendv_epi8(_mm256_srli_epi32(state, 16), state, keep);

    __m256i shift =
        _mm256_add_epi32(_mm256_srli_epi32(packed, SHIFT_SHIFT), _mm256_set1_epi32(31));
    const __m256i low = _mm256_set1_epi64x(0xffffffff);
    __m256i even = _mm256_srlv_epi64(_mm256_mul_epu32(state, inverse), _mm256_and_si256(shift, low));
    __m256i odd = _mm256_srlv_epi64(
        _mm256_mul_epu32(_mm256_srli_epi64(state, 32), _mm256_srli_epi64(inverse, 32)),
        _mm256_srli_epi64(shift, 32));
    __m256i quotient = _mm256_blend_epi32(even, _mm256_slli_epi64(odd, 32), 0xaa);
    __m256i start =
        _mm256_and_si256(_mm256_srli_epi32(packed, START_SHIFT), _mm256_set1_epi32(TOTAL - 1));
    __m256i rest = _mm256_sub_epi32(_mm256_set1_epi32(TOTAL), frequency);
    return _mm256_add_epi32(
        _mm256_add_epi32(state, start), _mm256_mullo_epi32(quotient, rest));
}

/* The whole groups of a row, backwards; 0 if a symbol has no frequency. */
__attribute__((target("avx2,popcnt"))) static int encode_groups(
    writer *out, const baton_divisor *divisors, const uint8_t *line, int32_t columns) {
    __m256i *states = (__m256i *)(void *)out->states;
    __m256i a = _mm256_loadu_si256(states);
    __m256i b = _mm256_loadu_si256(states + 1);
    __m256i c = _mm256_loadu_si256(states + 2);
    __m256i d = _mm256_loadu_si256(states + 3);
    __m256i none = _mm256_setzero_si256();
    uint8_t *at = out->at;
    for (int32_t column = columns - LANES; column >= 0; column -= LANES) {
        d = put(d, divisors, line + column + 24, &at, &none);
        c = put(c, divisors, line + column + 16, &at, &none);
        b = put(b, divisors, line + column + 8, &at, &none);
        a = put(a, divisors, line + column, &at, &none);
    }
    out->at = at;
    _mm256_storeu_si256(states, a);
    _mm256_storeu_si256(states + 1, b);
    _mm256_storeu_si256(states + 2, c);
    _mm256_storeu_si256(states + 3, d);
    return _mm256_testz_si256(none, none);
}

static int has_avx2(void) {
    __builtin_cpu_init();
    return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("popcnt");
}
#else
static int32_t decode_groups(reader *in, const uint32_t *slots, uint8_t *line, int32_t columns) {
    (void)in;
    (void)slots;
    (void)line;
    (void)columns;
    return 0;
}

static int encode_groups(
    writer *out, const baton_divisor *divisors, const uint8_t *line, int32_t columns) {
    return encode_columns(out, divisors, line, 0, columns);
}

static int has_avx2(void) {
    return 0;
}
#endif

/* Whole groups of lanes in rows that share a table are one long row. */
#define LONGEST (1 << 30)

static int32_t alike_from(const uint16_t *table_of, int32_t row, int32_t rows, int32_t columns) {
    int32_t count = 1;
    if (columns % LANES == 0) {
        while (row + count < rows && table_of[row + count] == table_of[row] &&
               count < LONGEST / (columns + 1)) {
            count++;
        }
    }
    return count;
}

static int32_t alike_before(const uint16_t *table_of, int32_t end, int32_t columns) {
    int32_t count = 1;
    if (columns % LANES == 0) {
        while (end - count > 0 && table_of[end - count - 1] == table_of[end - 1] &&
               count < LONGEST / (columns + 1)) {
            count++;
        }
    }
    return count;
}

int64_t baton_rans_encode(
    int32_t rows, int32_t columns, int32_t tables, const uint16_t *table_of,
    const baton_divisor *divisors, const uint8_t *symbols, uint8_t *stream, int64_t stream_bytes,
    int32_t wide) {
    writer out = {.at = stream + stream_bytes};
    for (int lane = 0; lane < LANES; lane++) {
        out.states[lane] = LOW;
    }
    int groups = wide && has_avx2();
    for (int32_t end = rows; end > 0;) {
        int32_t row = end - alike_before(table_of, end, columns);
        uint32_t table = table_of[row];
        if (table >= (uint32_t)tables) {
            return -1;
        }
        const baton_divisor *of = divisors + (size_t)table * SYMBOLS;
        const uint8_t *line = symbols + (int64_t)row * columns;
        int32_t length = (end - row) * columns;
        int32_t whole = groups ? length / LANES * LANES : 0;
        if (!encode_columns(&out, of, line, whole, length) ||
            (whole > 0 && !encode_groups(&out, of, line, whole))) {
            return -1;
        }
        end = row;
    }
    for (int lane = LANES - 1; lane >= 0; lane--) {
        out.at -= 4;
        put32(out.at, out.states[lane]);
    }
    return stream + stream_bytes - out.at;
}

int32_t baton_rans_decode(
    int32_t rows, int32_t columns, int32_t tables, const uint16_t *table_of, const uint32_t *slots,
    const uint8_t *stream, int64_t stream_bytes, uint8_t *symbols, int32_t wide) {
    if (stream_bytes < 4 * LANES) {
        return 0;
    }
    reader in = {.at = stream + 4 * LANES, .end = stream + stream_bytes};
    for (int lane = 0; lane < LANES; lane++) {
        in.states[lane] = get32(stream + 4 * lane);
    }
    int groups = wide && has_avx2();
    for (int32_t row = 0; row < rows;) {
        int32_t count = alike_from(table_of, row, rows, columns);
        uint32_t table = table_of[row];
        if (table >= (uint32_t)tables) {
            return 0;
        }
        const uint32_t *of = slots + (size_t)table * TOTAL;
        uint8_t *line = symbols + (int64_t)row * columns;
        int32_t length = count * columns;
        int32_t done = groups ? decode_groups(&in, of, line, length) : 0;
        if (!decode_columns(&in, of, line, done, length)) {
            return 0;
        }
        row += count;
    }
    int ended = in.at == in.end;
    for (int lane = 0; lane < LANES; lane++) {
        ended &= in.states[lane] == LOW;
    }
    return ended;
}
