/* SPDX-License-Identifier: MIT */
/*
 * sshconfig.c - what ssh's system configuration includes, as files of ours
 *
 * ssh refuses an included system file that belongs neither to root nor to the
 * user, and inside a user namespace root's files belong to nobody: ssh, git,
 * scp and all that use them would end with "Bad owner or permissions". Fresh
 * copies belong to the user. Includes of includes are followed; a file from
 * outside of /etc is copied to /etc/.wg-wrap/outside and its full path, and the
 * line that includes it is changed to say so.
 *
 * The syntax is that of ssh_config(5) as OpenSSH reads it: a keyword in any
 * case, one "=" or white space, then words that may be quoted. A relative path
 * starts at /etc/ssh. Words with variables in them are left alone, as is
 * whatever isn't valid: ssh has to say so, and not we.
 *
 * A file that can't be read, is too large or too many is left out.
 */
#include "sshconfig.h"

#include "die.h"
#include "sshglob.h"
#include "text.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

/* DEPTH_MAX is OpenSSH's own limit. */
enum { FILE_MAX = 256 << 10, FILES_MAX = 256, DEPTH_MAX = 16 };

#define OUTSIDE "/etc/.wg-wrap/outside"

static const char blank[] = " \t\r\f";

/**
 * next_word() - Cut the next word out of a line's arguments
 * @cursor:	Where in the line; moved behind the word
 * @word:	Where the word goes without its quotes, PATH_MAX bytes
 * Returns 1, 0 at the end of the line, or -1 if it isn't valid.
 */
static int next_word(const char **cursor, char *word)
{
	const char *at = *cursor + strspn(*cursor, blank);
	size_t len = 0;
	char quote = 0;

	if (*at == '\0' || *at == '\n' || *at == '#')
		return 0;
	for (; *at && *at != '\n'; at++) {
		if (*at == '\\' &&
		    (at[1] == '\'' || at[1] == '"' || at[1] == '\\' ||
		     (!quote && at[1] == ' '))) {
			at++;
		} else if (!quote && strchr(blank, *at)) {
			break;
		} else if (!quote && (*at == '"' || *at == '\'')) {
			quote = *at;
			continue;
		} else if (quote && *at == quote) {
			quote = 0;
			continue;
		}
		if (len + 1 >= PATH_MAX)
			return -1;
		word[len++] = *at;
	}
	word[len] = '\0';
	*cursor = at;
	return quote ? -1 : 1;
}

/**
 * find_arguments() - Is this a line that includes files?
 * @line:	Start of a line
 * Returns where its arguments begin, or NULL.
 */
static const char *find_arguments(const char *line)
{
	static const char keyword[] = "include";

	line += strspn(line, blank);
	if (strncasecmp(line, keyword, sizeof(keyword) - 1) != 0)
		return NULL;
	line += sizeof(keyword) - 1;
	if (*line != '=' && *line != '"' && !(*line && strchr(blank, *line)))
		return NULL;
	line += strspn(line, blank);
	return *line == '=' ? line + 1 : line;
}

/**
 * make_absolute() - Turn an included word into a clean absolute pattern
 * @word:	The word
 * @pattern:	Where it goes, PATH_MAX bytes
 * Returns false for a word that isn't ours to interpret. Without empty and dot
 * components a pattern can't lead out of the directory that it is put under.
 */
static bool make_absolute(const char *word, char *pattern)
{
	char joined[PATH_MAX], *part, *rest, *slash;
	size_t len = 0;

	if (!*word || *word == '~' || strchr(word, '%') || strstr(word, "${"))
		return false;
	if (snprintf(joined, sizeof(joined), "%s%s",
		     *word == '/' ? "" : "/etc/ssh/",
		     word) >= (int)sizeof(joined))
		return false;
	pattern[0] = '\0';
	for (part = strtok_r(joined, "/", &rest); part;
	     part = strtok_r(NULL, "/", &rest)) {
		if (strcmp(part, ".") == 0)
			continue;
		if (strcmp(part, "..") == 0) {
			slash = strrchr(pattern, '/');
			len = slash ? (size_t)(slash - pattern) : 0;
			pattern[len] = '\0';
			continue;
		}
		pattern[len++] = '/';
		memcpy(pattern + len, part, strlen(part) + 1);
		len += strlen(part);
	}
	return len > 0;
}

/**
 * is_outside() - Is this path outside of /etc?
 * @path:	Clean absolute path
 */
static bool is_outside(const char *path)
{
	return strncmp(path, "/etc/", 5) != 0;
}

/**
 * put_word() - Write a word in quotes
 * @out:	Where it goes
 * @prefix:	What comes first in it
 * @word:	The rest
 */
static void put_word(FILE *out, const char *prefix, const char *word)
{
	fprintf(out, " \"%s", prefix);
	for (; *word; word++) {
		if (*word == '"' || *word == '\\')
			fputc('\\', out);
		fputc(*word, out);
	}
	fputc('"', out);
}

/**
 * put_include() - Write an Include line again, with words led to our copies
 * @out:	Where it goes
 * @arguments:	Its words, all of them valid
 */
static void put_include(FILE *out, const char *arguments)
{
	char word[PATH_MAX], pattern[PATH_MAX];

	fputs("Include", out);
	while (next_word(&arguments, word) > 0) {
		if (make_absolute(word, pattern) && is_outside(pattern))
			put_word(out, OUTSIDE, pattern);
		else
			put_word(out, "", word);
	}
	fputc('\n', out);
}

/**
 * next_line() - Go to the next line
 * @text:	Start of a line
 */
static const char *next_line(const char *text)
{
	text += strcspn(text, "\n");
	return *text ? text + 1 : text;
}

/**
 * leads_outside() - Does an Include line name files outside of /etc?
 * @arguments:	Its words
 * Returns false, too, where any of them isn't valid.
 */
static bool leads_outside(const char *arguments)
{
	char word[PATH_MAX], pattern[PATH_MAX];
	bool is_led = false;
	int got;

	while ((got = next_word(&arguments, word)) > 0)
		is_led |= make_absolute(word, pattern) && is_outside(pattern);
	return is_led && got == 0;
}

/**
 * sshconfig_rewrite() - Lead includes from outside of /etc to our copies
 * @text:	A configuration
 * @out:	Where the new text goes
 * Returns whether a line was changed.
 */
bool sshconfig_rewrite(const char *text, FILE *out)
{
	const char *arguments, *next;
	bool is_changed = false;

	for (; *text; text = next) {
		next = next_line(text);
		arguments = find_arguments(text);
		if (arguments && leads_outside(arguments)) {
			put_include(out, arguments);
			is_changed = true;
		} else {
			fwrite(text, 1, (size_t)(next - text), out);
		}
	}
	return is_changed;
}

/**
 * sshconfig_includes() - List what a configuration includes
 * @text:	The configuration
 * @found:	Called for each pattern
 * @context:	For @found
 */
void sshconfig_includes(const char *text,
			void (*found)(void *context, const char *pattern),
			void *context)
{
	char word[PATH_MAX], pattern[PATH_MAX];
	const char *arguments;

	for (; *text; text = next_line(text)) {
		arguments = find_arguments(text);
		while (arguments && next_word(&arguments, word) > 0) {
			if (make_absolute(word, pattern))
				found(context, pattern);
		}
	}
}

/* One configuration whose includes are being copied. */
struct copying {
	int directory;
	int depth;
	unsigned int *files;
};

/**
 * make_parents() - Create the directories above a file
 * @dir:	Where the path starts
 * @path:	Relative path of the file
 * Returns 0, or -1 with errno.
 */
static int make_parents(int dir, const char *path)
{
	char parent[PATH_MAX];
	const char *slash;

	for (slash = strchr(path, '/'); slash; slash = strchr(slash + 1, '/')) {
		memcpy(parent, path, (size_t)(slash - path));
		parent[slash - path] = '\0';
		if (mkdirat(dir, parent, 0755) != 0 && errno != EEXIST)
			return -1;
	}
	return 0;
}

static void copy_matches(void *context, const char *pattern);

/**
 * put_copy() - Write a copy, if it is needed
 * @directory:	Directory that will cover /etc
 * @target:	Path of the copy below it
 * @text:	The configuration
 * @is_needed:	Write it even if no line has to be changed
 * Returns 0, or -1 with errno.
 */
static int put_copy(int directory, const char *target, const char *text,
		    bool is_needed)
{
	char *copied = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&copied, &len);
	int result = 0;

	if (!out)
		return -1;
	is_needed |= sshconfig_rewrite(text, out);
	if (fclose(out) != 0 || make_parents(directory, target) != 0 ||
	    (is_needed && text_create(directory, target, copied, len) != 0))
		result = -1;
	free(copied);
	return result;
}

/**
 * copy() - Copy one configuration and what it includes
 * @copying:	Where to, and how deep in includes it was found
 * @source:	Absolute path of the file
 * @target:	Path of the copy below the directory
 * @is_needed:	Copy it even if no line has to be changed
 * Files that include each other end where a copy exists already.
 */
static void copy(const struct copying *copying, const char *source,
		 const char *target, bool is_needed)
{
	struct copying below = *copying;
	size_t len;
	char *text = text_read(-1, source, FILE_MAX, &len);

	if (!text)
		return;
	below.depth++;
	if (put_copy(copying->directory, target, text, is_needed) == 0)
		sshconfig_includes(text, copy_matches, &below);
	else if (errno != EEXIST)
		die_errno("can't copy %s for the command", source);
	free(text);
}

/**
 * copy_match() - Copy a file that an include names
 * @context:	struct copying of the file that includes it
 * @path:	Absolute path
 */
static void copy_match(void *context, const char *path)
{
	const struct copying *copying = context;
	char target[PATH_MAX];

	if (*copying->files >= FILES_MAX)
		return;
	++*copying->files;
	if (snprintf(target, sizeof(target), "%s%s",
		     is_outside(path) ? OUTSIDE : "",
		     path) >= (int)sizeof(target))
		return;
	copy(copying, path, target + strlen("/etc/"), true);
}

/**
 * copy_matches() - Copy all files that a pattern matches
 * @context:	struct copying of the file that includes them
 * @pattern:	Clean absolute pattern
 */
static void copy_matches(void *context, const char *pattern)
{
	const struct copying *copying = context;

	if (copying->depth <= DEPTH_MAX)
		sshglob(pattern, copy_match, context);
}

/**
 * sshconfig_copy() - Copy what the system's configuration includes
 * @directory:	Directory that will cover /etc
 * The first of the two places is OpenSSH's; the second is where some vendors
 * keep a file that is used if the first isn't there. ssh doesn't ask who owns
 * the file itself, so it is copied only if it has to change.
 */
void sshconfig_copy(int directory)
{
	unsigned int files = 0;
	struct copying copying = {.directory = directory, .files = &files};
	const char *source = "/etc/ssh/ssh_config";

	if (access(source, R_OK) != 0)
		source = "/usr/etc/ssh/ssh_config";
	copy(&copying, source, "ssh/ssh_config", false);
}
