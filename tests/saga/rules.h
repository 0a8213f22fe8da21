/* Which claims and releases count, in words that C and Promela share: common/claim.c says the same, as a test makes
 * sure. `claim` is the placement that has it or had it last, `dead` the highest that was released, n who asks. */
#define CLAIM_IS_STALE(claim, dead, n) ((n) <= (dead) || (n) < (claim))
#define CLAIM_IS_SAME(claim, dead, n) (!CLAIM_IS_STALE(claim, dead, n) && (n) == (claim))
#define RELEASE_IS_STALE(claim, dead, n) ((n) < (claim) || (n) <= (dead))
