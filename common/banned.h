/*
 * banned - functions that are a compile error here. Included into every file by the compiler (-include).
 *
 * Unbounded writes, parsers without errors, shared state, guessable numbers. Instead: struct buf and snprintf,
 * text_to_int(), clock_format(), id_new(). The headers that declare them come first, because a poisoned name may not be
 * declared either.
 */
#ifndef WAYBILL_BANNED_H
#define WAYBILL_BANNED_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>
#include <wchar.h>

#pragma GCC poison strcpy strcat sprintf vsprintf strtok gets atoi atol gmtime localtime rand srand

#endif
