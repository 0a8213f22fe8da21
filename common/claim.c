/*
 * claim - which claims and releases count.
 */
#include "claim.h"

enum claim_event claim_asked(struct claim claim, int64_t placement)
{
    if (placement <= claim.dead || placement < claim.placement)
        return ON_CLAIM_STALE;
    return placement == claim.placement ? ON_CLAIM_SAME : ON_CLAIM_NEW;
}

enum claim_event claim_released(struct claim claim, int64_t placement)
{
    return placement < claim.placement || placement <= claim.dead ? ON_RELEASE_STALE : ON_RELEASE;
}
