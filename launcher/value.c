/* SPDX-License-Identifier: MIT */
/* value.c - what a value in the plan may be */
#include "value.h"

#include "plan.h"

#include <arpa/inet.h>
#include <limits.h>
#include <net/if.h>
#include <netinet/in.h>
#include <string.h>

enum { STAMP_NUMBERS = 4 };

/**
 * value_number() - Read a decimal number that fills its text
 * @text:	Digits only, without leading zeros
 * @max:	Largest number accepted
 * @number:	Where it goes
 */
bool value_number(const char *text, unsigned long max, unsigned long *number)
{
	unsigned long value = 0;
	const char *digit;

	if (!*text || (text[0] == '0' && text[1]))
		return false;
	for (digit = text; *digit; digit++) {
		unsigned long units = (unsigned long)(*digit - '0');

		if (*digit < '0' || *digit > '9' || value > max / 10)
			return false;
		value *= 10;
		if (units > max - value)
			return false;
		value += units;
	}
	*number = value;
	return true;
}

/**
 * value_is_plain() - Is this text of 1 to max bytes without control characters?
 * @text:	The text
 * @max:	Most bytes
 */
bool value_is_plain(const char *text, size_t max)
{
	size_t i;

	for (i = 0; text[i]; i++) {
		unsigned char byte = (unsigned char)text[i];

		if (byte < ' ' || byte == 0x7f || i >= max)
			return false;
	}
	return i > 0;
}

/**
 * value_is_path() - Is this an absolute path that the kernel takes?
 * @text:	The text
 */
bool value_is_path(const char *text)
{
	return text[0] == '/' && strlen(text) < PATH_MAX;
}

/**
 * value_is_stamp() - Are these four numbers with one space between them?
 * @text:	The text
 */
bool value_is_stamp(const char *text)
{
	int numbers = 0;
	size_t digits;

	for (;;) {
		digits = strspn(text, "0123456789");
		if (digits == 0)
			return false;
		numbers++;
		text += digits;
		if (!*text)
			return numbers == STAMP_NUMBERS;
		if (*text++ != ' ')
			return false;
	}
}

/**
 * value_is_duration() - Whether a value can be a length of time
 * @value:	"15s", "500ms", "2m", or a number of seconds
 * How long it may be is the controller's to judge, for it alone waits for it.
 */
bool value_is_duration(const char *value)
{
	static const char digits[] = "0123456789";
	size_t whole = strspn(value, digits), fraction = 0;

	value += whole;
	if (*value == '.') {
		fraction = strspn(value + 1, digits);
		if (fraction == 0)
			return false;
		value += 1 + fraction;
	}
	return whole > 0 && whole < 10 && fraction < 4 &&
	       (*value == '\0' || strcmp(value, "s") == 0 ||
		strcmp(value, "ms") == 0 || strcmp(value, "m") == 0);
}

/**
 * value_is_interface() - May an interface of ours have this name?
 * @text:	The text
 */
bool value_is_interface(const char *text)
{
	static const char allowed[] = "abcdefghijklmnopqrstuvwxyz"
				      "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				      "0123456789_-";
	size_t len = strlen(text);

	return len >= 1 && len < IFNAMSIZ && strspn(text, allowed) == len &&
	       strcmp(text, "lo") != 0;
}

/**
 * value_is_address() - Is this an address of either family?
 * @text:	The text
 */
bool value_is_address(const char *text)
{
	struct in6_addr address;

	return inet_pton(AF_INET, text, &address) == 1 ||
	       inet_pton(AF_INET6, text, &address) == 1;
}

/**
 * value_is_domain() - Is this a word that resolv.conf can hold as a domain?
 * @text:	The text
 */
bool value_is_domain(const char *text)
{
	return value_is_plain(text, VALUE_DOMAIN_MAX_BYTES) &&
	       !strpbrk(text, " #;");
}

/**
 * value_is_host_name() - Is this a name that a resolver can be asked for?
 * @text:	The text
 */
bool value_is_host_name(const char *text)
{
	size_t len = strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				  "abcdefghijklmnopqrstuvwxyz0123456789-._");

	return len > 0 && len <= VALUE_DOMAIN_MAX_BYTES && text[len] == '\0';
}

/**
 * value_prefix() - Read ADDRESS/LENGTH
 * @text:	The text, cut in two at the slash
 * @prefix:	Where it goes
 */
const char *value_prefix(char *text, struct plan_prefix *prefix)
{
	char *slash = strchr(text, '/');
	unsigned long length;

	if (!slash)
		return "a prefix without a length";
	*slash = '\0';
	memset(prefix, 0, sizeof(*prefix));
	if (inet_pton(AF_INET, text, prefix->address) == 1)
		prefix->family = AF_INET;
	else if (inet_pton(AF_INET6, text, prefix->address) == 1)
		prefix->family = AF_INET6;
	else
		return "not an address";
	if (!value_number(slash + 1, prefix->family == AF_INET ? 32 : 128,
			  &length))
		return "not a prefix length";
	prefix->length = (unsigned char)length;
	return NULL;
}

/**
 * value_has_host_bits() - Is any bit set behind the prefix?
 * @prefix:	The prefix
 */
bool value_has_host_bits(const struct plan_prefix *prefix)
{
	unsigned int bit;

	for (bit = prefix->length; bit < 8 * sizeof(prefix->address); bit++) {
		if (prefix->address[bit / 8] & (0x80 >> bit % 8))
			return true;
	}
	return false;
}
