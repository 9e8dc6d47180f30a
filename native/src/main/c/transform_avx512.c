/* Transforms of heads with AVX-512 F, BW, DQ and VL. */
#include "simd_avx512.h"
#include "transform.h"

#define BATON_FUSED
#define TRANSFORMS baton_transforms_avx512
#include "transform.inc"
