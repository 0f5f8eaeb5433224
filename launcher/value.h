/* SPDX-License-Identifier: MIT */
/* value.h - what a value in the plan may be */
#ifndef WG_WRAP_VALUE_H
#define WG_WRAP_VALUE_H

#include <stdbool.h>
#include <stddef.h>

struct plan_prefix;

/* Of a domain and of a host name. */
enum { VALUE_DOMAIN_MAX_BYTES = 253 };

/* Decimal digits without leading zeros, at most max. */
bool value_number(const char *text, unsigned long max, unsigned long *number);

/* 1 to max bytes without control characters. */
bool value_is_plain(const char *text, size_t max);

bool value_is_path(const char *text);
bool value_is_stamp(const char *text);
/* "15s", "500ms", "2m", or a number of seconds. */
bool value_is_duration(const char *value);

bool value_is_interface(const char *text);
bool value_is_address(const char *text);
bool value_is_domain(const char *text);
bool value_is_host_name(const char *text);

/* ADDRESS/LENGTH, cut in two. Returns NULL, or what is wrong with it. */
const char *value_prefix(char *text, struct plan_prefix *prefix);

/* Whether a bit is set behind the prefix's length. */
bool value_has_host_bits(const struct plan_prefix *prefix);

#endif
