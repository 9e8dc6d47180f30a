/* AVX2 with its dot products: the same bits, fewer instructions. */
#define LEVEL_NAME baton_level_avx2_vnni
#define BATON_DOT_PRODUCTS
#include "level_avx2.c"
