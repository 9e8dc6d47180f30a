/* Transforms of heads with AVX2, FMA and F16C. */
#include "simd_avx2.h"
#include "transform.h"

#define BATON_FUSED
#define TRANSFORMS baton_transforms_avx2
#include "transform.inc"
