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
 *
 * Whatever the line doesn't give may come from the environment: WG_WRAP_ and
 * the option's name. WG_WRAP_CONFIG is not read here, see profile.c.
 */
#include "arguments.h"

#include "subcommand.h"

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum meaning {
	MEANS_CONFIG,
	MEANS_PROFILE,
	MEANS_CONNECT_TIMEOUT,
	MEANS_NO_WAIT,
	MEANS_QUIET,
	MEANS_VERBOSE,
	MEANS_TUNNEL,
	MEANS_LINGER,
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
	{"linger", 0, true, MEANS_LINGER},
	{"mtu", 0, true, MEANS_TUNNEL},
	{"dns", 0, true, MEANS_TUNNEL},
	{"ignore-unknown", 0, false, MEANS_TUNNEL},
};

enum { OPTIONS = sizeof(options) / sizeof(options[0]) };

/* Where in argv the parser stands, and what it collects. */
struct parser {
	char **next;
	struct arguments *arguments;
	bool is_given[OPTIONS];
	bool has_profile;
};

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

	parser->is_given[option - options] = true;
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
	case MEANS_LINGER:
		return is_duration(value) &&
		       options_set(&arguments->options, option->name, value);
	case MEANS_TUNNEL:
		return options_set(&arguments->options, option->name, value);
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
 * variable_of() - The environment's value for an option
 * @option:	Option
 * Returns NULL for a variable that is not set, or empty, which is the same.
 */
static const char *variable_of(const struct option *option)
{
	char name[64] = "WG_WRAP_", *letter;
	const char *value;

	snprintf(name + strlen(name), sizeof(name) - strlen(name), "%s",
		 option->name);
	for (letter = name; *letter; letter++) {
		if (*letter >= 'a' && *letter <= 'z')
			*letter = (char)(*letter - 'a' + 'A');
		else if (*letter == '-')
			*letter = '_';
	}
	value = getenv(name);
	return value && *value ? value : NULL;
}

/**
 * take_environment() - Act on what the environment gives beyond the line
 * @parser:	Parser, after the options
 * Returns false for a value that is a mistake.
 */
static bool take_environment(struct parser *parser)
{
	const char *value;
	size_t i;

	for (i = 0; i < OPTIONS; i++) {
		if (options[i].meaning == MEANS_CONFIG ||
		    options[i].meaning == MEANS_PROFILE || parser->is_given[i])
			continue;
		value = variable_of(&options[i]);
		if (!value)
			continue;
		if (!options[i].takes_value) {
			if (strcmp(value, "0") == 0)
				continue;
			if (strcmp(value, "1") != 0)
				return false;
			value = "";
		}
		if (!take(parser, &options[i], value))
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
	if (argc < 1 || (argc > 1 && subcommand_is(argv[1]))) {
		arguments->is_controllers = true;
		return;
	}
	parser.next = argv + 1;
	arguments->is_controllers =
		!parse_options(&parser) || !take_environment(&parser);
	arguments->command = parser.next;
}
