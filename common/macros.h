/*
 * macros - the few compiler attributes and helpers that every file may use.
 */
#ifndef WAYBILL_MACROS_H
#define WAYBILL_MACROS_H

#define MUST_USE __attribute__((warn_unused_result))
#define PRINTF(fmt, first) __attribute__((format(printf, fmt, first)))
#define CLEANUP(function) __attribute__((cleanup(function)))
#define UNUSED __attribute__((unused))

/* The value, or the limit that it is beyond. */
#define CLAMP(value, least, most) ((value) < (least) ? (least) : (value) > (most) ? (most) : (value))

/* The number of elements of an array (not of a pointer). */
#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* Defined where the address sanitizer looks on: gcc tells by a macro, clang by a feature. */
#if defined(__SANITIZE_ADDRESS__)
#define SANITIZED
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define SANITIZED
#endif
#endif

#endif
