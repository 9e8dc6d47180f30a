/* AVX-512 with its dot products: the same bits, fewer instructions. */
#define LEVEL_NAME baton_level_avx512_vnni
#define BATON_DOT_PRODUCTS
#include "level_avx512.c"
