/* SPDX-License-Identifier: MIT */
/*
 * printable.c - text that is safe to show
 *
 * Messages quote names of files and programs, which others may have chosen.
 * These must neither drive a terminal, nor fake a line, nor turn its reading
 * direction. So a question mark stands for
 *
 * - control characters, also those above 0x7f, as a byte or in UTF-8;
 * - what isn't UTF-8;
 * - marks and overrides of direction, and Unicode's own ends of lines;
 * - a newline, unless it begins one of the indented lines that messages of ours
 *   consist of.
 */
#include "printable.h"

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

/**
 * sequence_len() - How many bytes a character has
 * @first:	The first one
 * Returns 0 for what begins no character.
 */
static size_t sequence_len(unsigned char first)
{
	if (first < 0x80)
		return 1;
	if (first >= 0xc2 && first <= 0xdf)
		return 2;
	if (first >= 0xe0 && first <= 0xef)
		return 3;
	return first >= 0xf0 && first <= 0xf4 ? 4 : 0;
}

/**
 * take_character() - Decode a character
 * @text:	Where it begins
 * @len:	Gets how many bytes it has; of what isn't UTF-8, one
 * Returns its number, or 0 for what isn't UTF-8.
 */
static unsigned long take_character(const char *text, size_t *len)
{
	unsigned char first = (unsigned char)*text;
	size_t expected = sequence_len(first), i;
	unsigned long number =
		expected > 1 ? first & (0xffUL >> (expected + 1)) : first;

	*len = 1;
	for (i = 1; i < expected; i++) {
		if (((unsigned char)text[i] & 0xc0) != 0x80)
			return 0;
		number = number << 6 | ((unsigned char)text[i] & 0x3f);
	}
	if (expected == 0)
		return 0;
	*len = expected;
	return number;
}

/**
 * is_shown() - Is this a character that only shows itself?
 * @number:	Its number
 */
static bool is_shown(unsigned long number)
{
	static const unsigned long ranges[][2] = {
		{0, 0x1f},	  {0x7f, 0x9f},	    {0x61c, 0x61c},
		{0x200e, 0x200f}, {0x2028, 0x202e}, {0x2066, 0x2069},
	};
	size_t i;

	for (i = 0; i < sizeof(ranges) / sizeof(*ranges); i++) {
		if (number >= ranges[i][0] && number <= ranges[i][1])
			return false;
	}
	return true;
}

/**
 * printable_clean() - Replace what a terminal would act on
 * @text:	Text, which never gets longer
 */
void printable_clean(char *text)
{
	char *to = text;
	size_t len;

	for (; *text; text += len) {
		bool is_own_line = strncmp(text, "\n  ", 3) == 0;

		if (is_shown(take_character(text, &len)) || is_own_line) {
			memmove(to, text, len);
			to += len;
		} else {
			*to++ = '?';
		}
	}
	*to = '\0';
}
