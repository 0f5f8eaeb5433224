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
#include "value.h"

#include <stddef.h>
#include <string.h>

enum meaning {
	MEANS_CONFIG,
	MEANS_PROFILE,
	MEANS_CONNECT_TIMEOUT,
	MEANS_NO_WAIT,
	MEANS_QUIET,
	MEANS_VERBOSE,
	MEANS_RESTART,
	MEANS_TUNNEL,
	MEANS_LINGER,
	MEANS_FOREGROUND,
	MEANS_ALL,
	MEANS_KILL,
	MEANS_STRICT,
	MEANS_ISOLATE,
};

/* Where an option may stand. */
enum {
	STARTERS = VERB_RUN | VERB_UP,
	USERS = STARTERS | VERB_EXEC,
	EVERYWHERE = USERS | VERB_DOWN,
	RUNNERS = VERB_RUN | VERB_EXEC,
};

struct option {
	const char *name;
	char letter; /* 0: none */
	bool takes_value;
	enum meaning meaning;
	int verbs;
};

static const struct option options[] = {
	{"config", 'c', true, MEANS_CONFIG, STARTERS},
	{"profile", 0, true, MEANS_PROFILE, STARTERS},
	{"connect-timeout", 0, true, MEANS_CONNECT_TIMEOUT, USERS},
	{"no-wait", 0, false, MEANS_NO_WAIT, USERS},
	{"quiet", 'q', false, MEANS_QUIET, EVERYWHERE},
	{"verbose", 'v', false, MEANS_VERBOSE, EVERYWHERE},
	{"strict", 0, false, MEANS_STRICT, RUNNERS},
	{"isolate", 0, false, MEANS_ISOLATE, RUNNERS},
	{"restart", 0, false, MEANS_RESTART, STARTERS},
	{"linger", 0, true, MEANS_LINGER, STARTERS},
	{"mtu", 0, true, MEANS_TUNNEL, STARTERS},
	{"dns", 0, true, MEANS_TUNNEL, STARTERS},
	{"ignore-unknown", 0, false, MEANS_TUNNEL, STARTERS},
	{"mask-dbus", 0, false, MEANS_TUNNEL, STARTERS},
	{"foreground", 0, false, MEANS_FOREGROUND, VERB_UP},
	{"all", 0, false, MEANS_ALL, VERB_DOWN},
	{"kill", 0, false, MEANS_KILL, VERB_DOWN},
};

/* Subcommands that are the front's; the others are the controller's. */
static const struct {
	const char *word;
	enum verb verb;
} verbs[] = {{"exec", VERB_EXEC}, {"up", VERB_UP}, {"down", VERB_DOWN}};

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

	if (!(option->verbs & (int)arguments->verb))
		return false;
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
		return value_is_duration(value);
	case MEANS_NO_WAIT:
		arguments->no_wait = true;
		return true;
	case MEANS_QUIET:
		arguments->is_quiet = true;
		return true;
	case MEANS_VERBOSE:
		arguments->is_verbose = true;
		return true;
	case MEANS_RESTART:
		arguments->wants_restart = true;
		return true;
	case MEANS_FOREGROUND:
		arguments->foreground = parser->next[-1];
		return true;
	case MEANS_ALL:
		arguments->is_all = true;
		return true;
	case MEANS_KILL:
		arguments->wants_kill = true;
		return true;
	case MEANS_STRICT:
		arguments->is_strict = true;
		return true;
	case MEANS_ISOLATE:
		arguments->is_isolated = true;
		return true;
	case MEANS_LINGER:
		return value_is_duration(value) &&
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
 * parse_options() - Parse up to the next word that is no option
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
		if (strcmp(word, "--") == 0) {
			parser->arguments->end_of_options = word;
			return true;
		}
		is_known = word[1] == '-' ? parse_long(parser, word + 2)
					  : parse_short(parser, word + 1);
		if (!is_known)
			return false;
	}
	return true;
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
		/* What ends tunnels, or is new to a run, is to be typed. */
		if (!(options[i].verbs & (int)parser->arguments->verb) ||
		    !(options[i].verbs & VERB_RUN))
			continue;
		value = options_variable(options[i].name);
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
 * parse_words() - Parse up to the command
 * @parser:	Parser, standing behind a subcommand of ours, if there is one
 * Returns false for what the controller must deal with. A subcommand has one
 * NAME; for all but exec options may also follow it, and nothing else.
 */
static bool parse_words(struct parser *parser)
{
	struct arguments *arguments = parser->arguments;

	for (;;) {
		if (!parse_options(parser))
			return false;
		if (!*parser->next || arguments->verb == VERB_RUN)
			break;
		if (arguments->tunnel || **parser->next == '\0')
			return false;
		arguments->tunnel = *parser->next++;
		if (arguments->verb == VERB_EXEC) {
			if (*parser->next && strcmp(*parser->next, "--") == 0)
				parser->next++;
			break;
		}
	}
	/* NAME is the configuration; two would be one too many. */
	if (arguments->verb == VERB_UP && arguments->tunnel &&
	    arguments->config)
		return false;
	return (arguments->verb != VERB_EXEC || arguments->tunnel) &&
	       (!arguments->is_all || !arguments->tunnel);
}

/**
 * verb_of() - What a first word asks for
 * @word:	Word
 */
static enum verb verb_of(const char *word)
{
	size_t i;

	for (i = 0; i < sizeof(verbs) / sizeof(verbs[0]); i++) {
		if (strcmp(word, verbs[i].word) == 0)
			return verbs[i].verb;
	}
	return VERB_RUN;
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
	arguments->is_controllers = true;
	if (argc < 1)
		return;
	arguments->verb = argc > 1 ? verb_of(argv[1]) : VERB_RUN;
	parser.next = argv + 1;
	if (arguments->verb != VERB_RUN)
		parser.next++;
	else if (argc > 1 && subcommand_is(argv[1]))
		return;
	arguments->is_controllers =
		!parse_words(&parser) || !take_environment(&parser);
	arguments->command = parser.next;
}
