/* SPDX-License-Identifier: MIT */
/*
 * subcommand.c - the words that are ours as a line's first one
 *
 * Any other first word is a program's name. One that is no program, but nearly
 * a subcommand, is most likely a slip.
 */
#include "subcommand.h"

#include <stddef.h>
#include <string.h>

static const char *const subcommands[] = {
	"up",	   "down",  "exec",   "status", "list",	      "wait",
	"logs",	   "show",  "check",  "doctor", "publish",    "profile",
	"gateway", "setup", "device", "help",	"completion",
};

enum { SUBCOMMANDS = sizeof(subcommands) / sizeof(subcommands[0]) };

/* Longest word that is compared with the subcommands for a slip. */
enum { WORD_MAX = 16, SLIPS_MAX = 2 };

/**
 * subcommand_is() - Whether a first word is one of ours
 * @word:	Word
 */
bool subcommand_is(const char *word)
{
	size_t i;

	for (i = 0; i < SUBCOMMANDS; i++) {
		if (strcmp(word, subcommands[i]) == 0)
			return true;
	}
	return false;
}

/**
 * least() - The smallest of three
 * @a:	First
 * @b:	Second
 * @c:	Third
 */
static size_t least(size_t a, size_t b, size_t c)
{
	if (b < a)
		a = b;
	return c < a ? c : a;
}

/**
 * count_slips() - How many letters to insert, delete, change or swap
 * @typed:	Word, at most WORD_MAX long
 * @meant:	Word, at most WORD_MAX long
 */
static size_t count_slips(const char *typed, const char *meant)
{
	size_t rows = strlen(typed), columns = strlen(meant), i, j;
	size_t slips[WORD_MAX + 1][WORD_MAX + 1];

	for (i = 0; i <= rows; i++)
		slips[i][0] = i;
	for (j = 0; j <= columns; j++)
		slips[0][j] = j;
	for (i = 1; i <= rows; i++) {
		for (j = 1; j <= columns; j++) {
			slips[i][j] =
				least(slips[i - 1][j] + 1, slips[i][j - 1] + 1,
				      slips[i - 1][j - 1] +
					      (typed[i - 1] != meant[j - 1]));
			if (i > 1 && j > 1 && typed[i - 1] == meant[j - 2] &&
			    typed[i - 2] == meant[j - 1])
				slips[i][j] = least(slips[i][j], slips[i][j],
						    slips[i - 2][j - 2] + 1);
		}
	}
	return slips[rows][columns];
}

/**
 * subcommand_nearest() - The subcommand that a word may have meant
 * @word:	Word that is no command
 * Returns NULL if none is near: more slips than SLIPS_MAX, or half the word.
 */
const char *subcommand_nearest(const char *word)
{
	size_t len = strlen(word), best = SLIPS_MAX + 1, slips, i;
	const char *nearest = NULL;

	if (len > WORD_MAX)
		return NULL;
	for (i = 0; i < SUBCOMMANDS; i++) {
		slips = count_slips(word, subcommands[i]);
		if (slips < best && 2 * slips < len) {
			best = slips;
			nearest = subcommands[i];
		}
	}
	return nearest;
}
