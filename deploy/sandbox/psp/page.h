/* page - the handlers of the payment page. */
#ifndef PSP_SANDBOX_PAGE_H
#define PSP_SANDBOX_PAGE_H

#include "ctx.h"

enum err page_show(struct ctx *ctx, const void *in, void *ret);
enum err page_pay(struct ctx *ctx, const void *in, void *ret);
enum err page_show_challenge(struct ctx *ctx, const void *in, void *ret);
enum err page_answer_challenge(struct ctx *ctx, const void *in, void *ret);

#endif
