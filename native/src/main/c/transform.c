/* Which level's transforms run. */
#include "transform.h"

static const baton_transforms *transforms(int64_t level) {
#if defined(__x86_64__)
    switch (level) {
        case BATON_AVX2:
        case BATON_AVX2_VNNI: return &baton_transforms_avx2;
        case BATON_AVX512:
        case BATON_AVX512_VNNI: return &baton_transforms_avx512;
        default: break;
    }
#endif
    (void)level;
    return &baton_transforms_portable;
}

int32_t baton_head_forward(const baton_head *head) {
    return transforms(head->level)->forward(head);
}

int32_t baton_head_inverse(const baton_head *head) {
    return transforms(head->level)->inverse(head);
}
