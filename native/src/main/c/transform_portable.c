/* Transforms of heads in plain C. */
#include <math.h>

#include "simd_portable.h"
#include "transform.h"

#define TRANSFORMS baton_transforms_portable
#include "transform.inc"
