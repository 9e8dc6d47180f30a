/*
 * Fuzzing of what C decodes, with libFuzzer: bytes from anywhere, memory of exactly the size that the
 * interface promises. Shapes are the program's own and small; all else comes from the input.
 */
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "kv.h"
#include "rans.h"

typedef struct {
    const uint8_t *at;
    const uint8_t *end;
} input;

static uint8_t take(input *in) {
    return in->at < in->end ? *in->at++ : 0;
}

/* So many bytes in memory of their own, zeros where the input lacks them. */
static void *taken(input *in, size_t bytes) {
    uint8_t *to = calloc(bytes + 1, 1);
    size_t there = (size_t)(in->end - in->at);
    size_t count = bytes < there ? bytes : there;
    memcpy(to, in->at, count);
    in->at += count;
    return realloc(to, bytes == 0 ? 1 : bytes);
}

/* A table that sums to 4096, so that decoders get further, or what the input says. */
static void table(input *in, uint16_t *frequencies) {
    int left = 4096;
    int symbol = take(in);
    for (int i = take(in) % 32; i > 0; i--) {
        int frequency = take(in) * 4;
        frequency = frequency < left ? frequency : left;
        if (frequencies[symbol] == 0) {
            frequencies[symbol] = (uint16_t)frequency;
            left -= frequency;
        }
        symbol = (symbol + 1) % 256;
    }
    if (take(in) != 0xff) {
        frequencies[symbol] = (uint16_t)(frequencies[symbol] + left);
    }
}

static void decode_stream(input *in) {
    int32_t rows = take(in) % 8;
    int32_t columns = take(in) % 100;
    int32_t tables = 1 + take(in) % 3;
    int32_t wide = take(in) & 1;
    uint16_t *frequencies = calloc(256 * (size_t)tables, sizeof *frequencies);
    for (int32_t i = 0; i < tables; i++) {
        table(in, frequencies + 256 * i);
    }
    uint16_t *table_of = calloc((size_t)rows + 1, sizeof *table_of);
    for (int32_t row = 0; row < rows; row++) {
        table_of[row] = take(in) % 4;
    }
    uint32_t *slots = malloc((size_t)tables * 4096 * sizeof *slots);
    uint8_t *symbols = malloc((size_t)rows * (size_t)columns + 1);
    symbols = realloc(symbols, rows * columns == 0 ? 1 : (size_t)(rows * columns));
    size_t bytes = (size_t)(in->end - in->at);
    uint8_t *stream = taken(in, bytes);
    if (baton_rans_slots(tables, frequencies, slots)) {
        int32_t one = baton_rans_decode(
            rows, columns, tables, table_of, slots, stream, (int64_t)bytes, symbols, wide);
        int32_t other = baton_rans_decode(
            rows, columns, tables, table_of, slots, stream, (int64_t)bytes, symbols, !wide);
        if (one != other) {
            abort();
        }
    }
    free(stream);
    free(symbols);
    free(slots);
    free(table_of);
    free(frequencies);
}

static int64_t whole(int64_t count, int64_t unit) {
    return (count + unit - 1) / unit * unit;
}

static void dequantise(input *in) {
    baton_kv_plan plan = {
        .blocks = 1 + take(in) % 3,
        .block_tokens = 1 + take(in) % 17,
        .heads = 1 + take(in) % 2,
        .dim = 1 + take(in) % 40,
        .half = take(in) & 1,
        .highest_anchor_step = 255,
        .highest_step = 255,
        .key_bits = take(in) % 4,
        .value_bits = take(in) % 4};
    int64_t tokens = (int64_t)plan.blocks * plan.block_tokens;
    int64_t channels = (int64_t)plan.heads * plan.dim;
    int64_t values = 2 * tokens * channels;
    plan.first = (int32_t)(take(in) % tokens);
    plan.coded = (int32_t)(1 + take(in) % (tokens - plan.first));
    int64_t anchors = (plan.coded + 9) / 10;
    int64_t rest = plan.coded - anchors;
    int64_t anchor_run = whole(anchors * channels, 64);
    int64_t run = whole(rest * channels, 64);
    int64_t symbol_bytes =
        anchor_run + run + whole(anchors * plan.heads, 32) + whole(rest * plan.heads, 32);
    int64_t low_bytes = anchor_run + run / 8 * (plan.key_bits + plan.value_bits);
    int64_t quanta = 2 * (anchor_run + run);
    uint8_t *side = taken(in, (size_t)(3 * channels));
    uint8_t *symbols = taken(in, (size_t)symbol_bytes);
    uint8_t *low = taken(in, (size_t)low_bytes);
    uint8_t *scales = taken(in, (size_t)(2 * plan.heads * (plan.dim + tokens)));
    uint8_t *bytes = taken(in, (size_t)values);
    float *work = malloc((size_t)(4 * (12 + 2 * anchors) * channels + quanta));
    uint16_t *raw[2] = {calloc((size_t)values, 2), calloc((size_t)values, 2)};
    for (int wide = 0; wide < 2; wide++) {
        baton_kv_dequantise(&plan, side, symbols, low, raw[wide], work, wide);
    }
    if (memcmp(raw[0], raw[1], 2 * (size_t)values) != 0) {
        abort();
    }
    int32_t valid[2];
    for (int wide = 0; wide < 2; wide++) {
        valid[wide] = baton_kv_from_int8(&plan, scales, bytes, raw[wide], work, wide);
    }
    if (valid[0] != valid[1] || (valid[0] && memcmp(raw[0], raw[1], 2 * (size_t)values) != 0)) {
        abort();
    }
    for (int wide = 0; wide < 2; wide++) {
        baton_kv_merge(&plan, bytes, bytes, raw[wide], wide);
    }
    if (memcmp(raw[0], raw[1], 2 * (size_t)values) != 0) {
        abort();
    }
    free(raw[0]);
    free(raw[1]);
    free(work);
    free(bytes);
    free(scales);
    free(low);
    free(symbols);
    free(side);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    input in = {.at = data, .end = data + size};
    if (take(&in) & 1) {
        decode_stream(&in);
    } else {
        dequantise(&in);
    }
    return 0;
}
