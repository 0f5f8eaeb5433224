/* SPDX-License-Identifier: MIT */
/*
 * evidence.c - facts about this process and its host, for cause.c
 *
 * Every fact is optional: where a file can't be read the host lacks the feature
 * that it tells about, and the answer is the harmless one.
 */
#include "evidence.h"

#include "cause.h"
#include "text.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/utsname.h>
#include <unistd.h>

enum { STATUS_MAX = 64 << 10, MOUNTS_MAX = 1 << 20 };

/**
 * put_path() - Compose a path below the root
 * @path:	Where it goes, PATH_MAX bytes
 * @root:	"" but in tests
 * @name:	Absolute path
 */
static void put_path(char *path, const char *root, const char *name)
{
	snprintf(path, PATH_MAX, "%s%s", root, name);
}

/**
 * look_number() - Read a file of one number
 * @root:	"" but in tests
 * @name:	Absolute path
 * Returns the number, or CAUSE_ABSENT.
 */
static long look_number(const char *root, const char *name)
{
	char path[PATH_MAX], text[32], *end;
	long number;

	put_path(path, root, name);
	if (text_read_line(path, text, sizeof(text)) != 0)
		return CAUSE_ABSENT;
	errno = 0;
	number = strtol(text, &end, 10);
	return errno == 0 && end != text ? number : CAUSE_ABSENT;
}

/**
 * look_exists() - Is there such a file?
 * @root:	"" but in tests
 * @name:	Absolute path
 */
static bool look_exists(const char *root, const char *name)
{
	char path[PATH_MAX];

	put_path(path, root, name);
	return access(path, F_OK) == 0;
}

/**
 * look_seccomp() - Find the mode of seccomp(2)
 * @root:	"" but in tests
 */
static long look_seccomp(const char *root)
{
	static const char field[] = "\nSeccomp:";
	char path[PATH_MAX], *text, *found;
	long mode = CAUSE_ABSENT;
	size_t len;

	put_path(path, root, "/proc/self/status");
	text = text_read(-1, path, STATUS_MAX, &len);
	found = text ? strstr(text, field) : NULL;
	if (found)
		mode = strtol(found + sizeof(field) - 1, NULL, 10);
	free(text);
	return mode;
}

/**
 * look_chroot() - Is our root something else than the mount namespace's?
 * @root:	"" but in tests
 * Only mounts below our own root are listed. After a chroot into a plain
 * directory none of those is mounted at "/", the fifth field of its line.
 */
static bool look_chroot(const char *root)
{
	char path[PATH_MAX], *text, *line, *rest, point[3];
	bool has_root = false;
	size_t len;

	put_path(path, root, "/proc/self/mountinfo");
	text = text_read(-1, path, MOUNTS_MAX, &len);
	if (!text)
		return false;
	for (line = strtok_r(text, "\n", &rest); line && !has_root;
	     line = strtok_r(NULL, "\n", &rest)) {
		if (sscanf(line, "%*s %*s %*s %*s %2s", point) == 1)
			has_root = strcmp(point, "/") == 0;
	}
	free(text);
	return !has_root;
}

/**
 * look_modules() - Are modules of the running kernel missing on this host?
 * @root:	"" but in tests
 * Where there is no /lib/modules at all, nobody has upgraded it away.
 */
static bool look_modules(const char *root)
{
	struct utsname name;
	char path[128];

	if (uname(&name) != 0 || !look_exists(root, "/lib/modules"))
		return false;
	snprintf(path, sizeof(path), "/lib/modules/%s", name.release);
	return !look_exists(root, path);
}

/**
 * evidence_look() - Look up the facts
 * @cause:	Where they go; step, errnum and tun_* stay as they are
 * @root:	"" but in tests
 */
void evidence_look(struct cause *cause, const char *root)
{
	const char *github = getenv("GITHUB_ACTIONS");
	ssize_t len;

	cause->apparmor_userns = look_number(
		root, "/proc/sys/kernel/apparmor_restrict_unprivileged_userns");
	cause->userns_clone =
		look_number(root, "/proc/sys/kernel/unprivileged_userns_clone");
	cause->max_user_ns =
		look_number(root, "/proc/sys/user/max_user_namespaces");
	cause->max_mnt_ns =
		look_number(root, "/proc/sys/user/max_mnt_namespaces");
	cause->max_net_ns =
		look_number(root, "/proc/sys/user/max_net_namespaces");
	cause->seccomp = look_seccomp(root);
	cause->selinux_enforcing =
		look_number(root, "/sys/fs/selinux/enforce") == 1;
	cause->in_container = look_exists(root, "/.dockerenv") ||
			      look_exists(root, "/run/.containerenv") ||
			      look_exists(root, "/run/systemd/container") ||
			      getenv("container") ||
			      getenv("KUBERNETES_SERVICE_HOST");
	cause->in_systemd_unit = getenv("INVOCATION_ID") != NULL;
	cause->in_github_actions = github && strcmp(github, "true") == 0;
	cause->in_chroot = look_chroot(root);
	cause->is_dumpable = prctl(PR_GET_DUMPABLE, 0, 0, 0, 0) == 1;
	cause->no_modules = look_modules(root);

	len = readlink("/proc/self/exe", cause->launcher,
		       sizeof(cause->launcher) - 1);
	cause->launcher[len > 0 ? len : 0] = '\0';
	if (len <= 0)
		strcpy(cause->launcher, "wg-wrap");
}
