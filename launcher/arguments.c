/* SPDX-License-Identifier: MIT */
/*
 * arguments.c - what the front understands of the command line
 *
 * A command that finds its tunnel alive never starts Node, so the front reads
 * the options of that case by itself. The controller has the full grammar and
 * all the texts: it gets whatever isn't in the table here, mistakes included,
 * and nothing is reported from here.
 *
 * Options end at the first word that is not one, or at "--"; what follows is
 * the command's alone. A subcommand is one only as the very first word.
 */
#include "arguments.h"

#include <stddef.h>
#include <string.h>

enum meaning {
	MEANS_CONFIG,
	MEANS_PROFILE,
	MEANS_CONNECT_TIMEOUT,
	MEANS_NO_WAIT,
	MEANS_QUIET,
	MEANS_VERBOSE,
	MEANS_TUNNEL,
};

struct option {
	const char *name;
	char letter; /* 0: none */
	bool takes_value;
	enum meaning meaning;
};

static const struct option options[] = {
	{"config", 'c', true, MEANS_CONFIG},
	{"profile", 0, true, MEANS_PROFILE},
	{"connect-timeout", 0, true, MEANS_CONNECT_TIMEOUT},
	{"no-wait", 0, false, MEANS_NO_WAIT},
	{"quiet", 'q', false, MEANS_QUIET},
	{"verbose", 'v', false, MEANS_VERBOSE},
	{"mtu", 0, true, MEANS_TUNNEL},
	{"dns", 0, true, MEANS_TUNNEL},
	{"ignore-unknown", 0, false, MEANS_TUNNEL},
};

static const char *const subcommands[] = {
	"up",	   "down",  "exec",   "status", "list",	      "wait",
	"logs",	   "show",  "check",  "doctor", "publish",    "profile",
	"gateway", "setup", "device", "help",	"completion",
};

enum { OPTIONS = sizeof(options) / sizeof(options[0]) };
enum { SUBCOMMANDS = sizeof(subcommands) / sizeof(subcommands[0]) };

/* Longest word that is compared with the subcommands for a slip. */
enum { WORD_MAX = 16, SLIPS_MAX = 2 };

/* Where in argv the parser stands, and what it collects. */
struct parser {
	char **next;
	struct arguments *arguments;
	struct blake2s tunnel_options;
	bool has_profile;
};

/**
 * is_subcommand() - Whether a first word is one of ours
 * @word:	Word
 */
static bool is_subcommand(const char *word)
{
	size_t i;

	for (i = 0; i < SUBCOMMANDS; i++) {
		if (strcmp(word, subcommands[i]) == 0)
			return true;
	}
	return false;
}

/**
 * find_long() - Look an option up by name
 * @name:	Name, without the dashes
 * @len:	Length of the name, which may be followed by "=VALUE"
 * Returns NULL if it is not in the table. Abbreviations are not.
 */
static const struct option *find_long(const char *name, size_t len)
{
	size_t i;

	for (i = 0; i < OPTIONS; i++) {
		if (strlen(options[i].name) == len &&
		    memcmp(options[i].name, name, len) == 0)
			return &options[i];
	}
	return NULL;
}

/**
 * find_short() - Look an option up by letter
 * @letter:	Letter
 * Returns NULL if it is not in the table.
 */
static const struct option *find_short(char letter)
{
	size_t i;

	for (i = 0; i < OPTIONS; i++) {
		if (options[i].letter != 0 && options[i].letter == letter)
			return &options[i];
	}
	return NULL;
}

/**
 * is_duration() - Whether a value can be a length of time
 * @value:	Value: "15s", "500ms", "2m", or a number of seconds
 * How long it may be is the controller's to judge, for it alone waits for it.
 */
static bool is_duration(const char *value)
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
 * take_tunnel_option() - Add an option to the hash of those that can't change
 * @parser:	Parser
 * @option:	Option
 * @value:	Its value
 */
static void take_tunnel_option(struct parser *parser,
			       const struct option *option, const char *value)
{
	struct blake2s *hash = &parser->tunnel_options;

	parser->arguments->has_tunnel_options = true;
	blake2s_update(hash, "--", 2);
	blake2s_update(hash, option->name, strlen(option->name) + 1);
	blake2s_update(hash, value, strlen(value) + 1);
}

/**
 * take() - Act on one option
 * @parser:	Parser
 * @option:	Option
 * @value:	Its value, empty for an option without one
 * Returns false for a value, or a combination, that is a mistake.
 */
static bool take(struct parser *parser, const struct option *option,
		 const char *value)
{
	struct arguments *arguments = parser->arguments;

	switch (option->meaning) {
	case MEANS_CONFIG:
	case MEANS_PROFILE:
		/* Two names for one option; which of two should count? */
		if (arguments->config &&
		    parser->has_profile != (option->meaning == MEANS_PROFILE))
			return false;
		parser->has_profile = option->meaning == MEANS_PROFILE;
		arguments->config = value;
		return true;
	case MEANS_CONNECT_TIMEOUT:
		arguments->has_connect_timeout = true;
		return is_duration(value);
	case MEANS_NO_WAIT:
		arguments->no_wait = true;
		return true;
	case MEANS_QUIET:
		arguments->is_quiet = true;
		return true;
	case MEANS_VERBOSE:
		arguments->is_verbose = true;
		return true;
	case MEANS_TUNNEL:
		take_tunnel_option(parser, option, value);
		return true;
	}
	return false;
}

/**
 * take_with_value() - Act on one option that may need the next word
 * @parser:	Parser, standing behind the option's word
 * @option:	Option
 * @attached:	Value in the same word, or NULL
 * Returns false for a value that is missing, empty or not wanted.
 */
static bool take_with_value(struct parser *parser, const struct option *option,
			    const char *attached)
{
	const char *value = attached;

	if (!option->takes_value) {
		if (attached)
			return false;
		return take(parser, option, "");
	}
	if (!value) {
		value = *parser->next;
		if (!value)
			return false;
		parser->next++;
	}
	if (*value == '\0')
		return false;
	return take(parser, option, value);
}

/**
 * parse_long() - Parse one word with two dashes
 * @parser:	Parser, standing behind the word
 * @name:	The word behind its dashes
 * Returns false for what is not in the table.
 */
static bool parse_long(struct parser *parser, const char *name)
{
	size_t len = strcspn(name, "=");
	const struct option *option = find_long(name, len);

	if (!option)
		return false;
	return take_with_value(parser, option,
			       name[len] == '=' ? name + len + 1 : NULL);
}

/**
 * parse_short() - Parse one word with one dash: letters, the last with a value
 * @parser:	Parser, standing behind the word
 * @letters:	The word behind its dash, not empty
 * Returns false for what is not in the table.
 */
static bool parse_short(struct parser *parser, const char *letters)
{
	const struct option *option;

	for (; *letters != '\0'; letters++) {
		option = find_short(*letters);
		if (!option)
			return false;
		if (option->takes_value)
			return take_with_value(parser, option,
					       letters[1] ? letters + 1 : NULL);
		if (!take(parser, option, ""))
			return false;
	}
	return true;
}

/**
 * parse_options() - Parse up to the command
 * @parser:	Parser, standing at the first word
 * Returns false for what the controller must deal with.
 */
static bool parse_options(struct parser *parser)
{
	const char *word;
	bool is_known;

	while ((word = *parser->next)) {
		if (word[0] != '-' || word[1] == '\0')
			return true;
		parser->next++;
		if (strcmp(word, "--") == 0)
			return true;
		is_known = word[1] == '-' ? parse_long(parser, word + 2)
					  : parse_short(parser, word + 1);
		if (!is_known)
			return false;
	}
	return true;
}

/**
 * arguments_parse() - Parse the user's command line
 * @argc:	Number of words, the program's name included
 * @argv:	Words, NULL at the end; the result points into them
 * @arguments:	Gets the result
 */
void arguments_parse(int argc, char **argv, struct arguments *arguments)
{
	struct parser parser = {.arguments = arguments};

	memset(arguments, 0, sizeof(*arguments));
	if (argc < 1 || (argc > 1 && is_subcommand(argv[1]))) {
		arguments->is_controllers = true;
		return;
	}
	parser.next = argv + 1;
	blake2s_start(&parser.tunnel_options);
	arguments->is_controllers = !parse_options(&parser);
	arguments->command = parser.next;
	blake2s_finish_hex(&parser.tunnel_options, arguments->options);
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
 * arguments_nearest_subcommand() - The subcommand that a word may have meant
 * @word:	Word that is no command
 * Returns NULL if none is near: more slips than SLIPS_MAX, or half the word.
 */
const char *arguments_nearest_subcommand(const char *word)
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
