/* SPDX-License-Identifier: MIT */
/*
 * profile.c - which configuration file the user means
 *
 * A value with a slash, or ending in ".conf", is a path. Anything else is a
 * name and never means a file in the current directory. The file is not read
 * here; it is only identified, and checked for being readable at all, since
 * whatever is wrong with it is the controller's to report.
 */
#include "profile.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/**
 * choose() - The user's choice, wherever it was made
 * @option:	Value of -c, or NULL
 * Returns NULL for a choice that this file can't follow: a whole configuration
 * in the environment, or two choices there.
 */
static const char *choose(const char *option)
{
	static const char *const texts[] = {"WG_WRAP_CONFIG_TEXT",
					    "WG_WRAP_CONFIG_BASE64"};
	const char *value, *profile;
	size_t i;

	if (option)
		return option;
	for (i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		value = getenv(texts[i]);
		if (value && *value)
			return NULL;
	}
	value = getenv("WG_WRAP_CONFIG");
	profile = getenv("WG_WRAP_PROFILE");
	if (!value || !*value)
		return profile && *profile ? profile : "default";
	return profile && *profile ? NULL : value;
}

/**
 * identify() - Fill in path and stamp of a file
 * @path:	Path
 * @profile:	Gets the result
 * Returns false, with errno, unless it is a regular file that can be read.
 */
static bool identify(const char *path, struct profile *profile)
{
	struct stat file;
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	bool is_regular;

	if (fd < 0)
		return false;
	is_regular = fstat(fd, &file) == 0 && S_ISREG(file.st_mode);
	close(fd);
	if (!is_regular || !realpath(path, profile->path))
		return false;
	snprintf(profile->stamp, sizeof(profile->stamp), "%llu %llu %llu %lld",
		 (unsigned long long)file.st_dev,
		 (unsigned long long)file.st_ino,
		 (unsigned long long)file.st_size,
		 (long long)file.st_mtim.tv_sec * 1000000000LL +
			 (long long)file.st_mtim.tv_nsec);
	return true;
}

/**
 * identify_name() - The same for a name
 * @name:	Name
 * @profile:	Gets the result
 * The system's file is used only where the user has none, not where the user's
 * can't be read.
 */
static bool identify_name(const char *name, struct profile *profile)
{
	const char *home = getenv("HOME"), *xdg = getenv("XDG_CONFIG_HOME");
	char path[PATH_MAX];
	int len = 0;

	if (xdg && *xdg == '/')
		len = snprintf(path, sizeof(path),
			       "%s/wg-wrap/profiles/%s.conf", xdg, name);
	else if (home && *home == '/')
		len = snprintf(path, sizeof(path),
			       "%s/.config/wg-wrap/profiles/%s.conf", home,
			       name);
	if (len >= (int)sizeof(path))
		return false;
	if (len > 0) {
		if (identify(path, profile))
			return true;
		if (errno != ENOENT && errno != ENOTDIR)
			return false;
	}
	len = snprintf(path, sizeof(path), "/etc/wireguard/%s.conf", name);
	return len < (int)sizeof(path) && identify(path, profile);
}

/**
 * profile_is_path() - Whether a choice is a path, and not a name
 * @choice:	Choice
 */
bool profile_is_path(const char *choice)
{
	size_t len = strlen(choice);

	return strchr(choice, '/') ||
	       (len >= 5 && strcmp(choice + len - 5, ".conf") == 0);
}

/**
 * profile_find() - Find and identify the configuration file
 * @option:	Value of -c, or NULL
 * @profile:	Gets the result
 * Returns false for whatever the controller has to deal with or report.
 */
bool profile_find(const char *option, struct profile *profile)
{
	const char *choice = choose(option);

	if (!choice)
		return false;
	return profile_is_path(choice) ? identify(choice, profile)
				       : identify_name(choice, profile);
}
