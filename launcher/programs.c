/* SPDX-License-Identifier: MIT */
/*
 * programs.c - commands that do their work outside of the tunnel
 *
 * A path socket crosses network namespaces, so a command may well run inside and
 * have somebody else do what it is for:
 *
 * - The face of a daemon only says what the daemon, outside, is to do.
 * - A program that runs once for each user hands over to the one that runs
 *   already. Where that one is decides: inside of this tunnel all is well.
 *
 * Neither can be prevented by namespaces, so both are said. Only names in these
 * tables cost anything, and the second sort a look through /proc.
 */
#include "programs.h"

#include "die.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* The kernel keeps so much of a process's name. */
enum { NAME_MAX_BYTES = 15, REASON_MAX = 256 };

/* Faces of daemons, and what will not use the tunnel. */
static const struct {
	const char *command;
	const char *option; /* only with this word; NULL: always */
	const char *what;
} faces[] = {
	{"docker", NULL, "its containers"},
	{"docker-compose", NULL, "its containers"},
	{"podman-remote", NULL, "its containers"},
	{"podman", "--remote", "its containers"},
	{"podman", "-r", "its containers"},
	{"nerdctl", NULL, "its containers"},
	{"lxc", NULL, "its containers"},
	{"snap", NULL, "its programs"},
	{"flatpak", NULL, "its programs"},
	{"systemctl", NULL, "its services"},
	{"systemd-run", NULL, "its services"},
	{"machinectl", NULL, "its machines"},
	{"at", NULL, "its jobs"},
	{"batch", NULL, "its jobs"},
	{"crontab", NULL, "its jobs"},
	{"xdg-open", NULL, "what it opens"},
};

/* Programs that run once for each user, and the names of their processes. */
static const struct {
	const char *command;
	const char *process;
} singles[] = {
	{"firefox", "firefox"},
	{"firefox", "firefox-bin"},
	{"firefox", "firefox-esr"},
	{"firefox-esr", "firefox-esr"},
	{"librewolf", "librewolf"},
	{"chromium", "chromium"},
	{"chromium", "chrome"},
	{"chromium-browser", "chromium"},
	{"chromium-browser", "chromium-browse"},
	{"google-chrome", "chrome"},
	{"google-chrome-stable", "chrome"},
	{"chrome", "chrome"},
	{"brave-browser", "brave"},
	{"brave", "brave"},
	{"microsoft-edge", "msedge"},
	{"vivaldi", "vivaldi-bin"},
	{"opera", "opera"},
	{"code", "code"},
	{"codium", "codium"},
	{"cursor", "cursor"},
	{"slack", "slack"},
	{"discord", "Discord"},
	{"Discord", "Discord"},
	{"signal-desktop", "signal-desktop"},
	{"telegram-desktop", "telegram-deskto"},
	{"element-desktop", "element-desktop"},
	{"spotify", "spotify"},
	{"thunderbird", "thunderbird"},
	{"thunderbird", "thunderbird-bin"},
	{"evolution", "evolution"},
	{"qbittorrent", "qbittorrent"},
	{"transmission-gtk", "transmission-gt"},
	{"transmission-qt", "transmission-qt"},
	{"deluge", "deluge"},
	{"emacsclient", "emacs"},
	{"emacsclient", "emacs-gtk"},
	{"gnome-terminal", "gnome-terminal-"},
	{"konsole", "konsole"},
	{"kitty", "kitty"},
	{"steam", "steam"},
	{"tmux", "tmux: server"},
	{"screen", "screen"},
};

enum {
	FACES = sizeof(faces) / sizeof(*faces),
	SINGLES = sizeof(singles) / sizeof(*singles),
};

/**
 * last_part() - A program's name without its directory
 * @command:	Name or path
 */
static const char *last_part(const char *command)
{
	const char *slash = strrchr(command, '/');

	return slash ? slash + 1 : command;
}

/**
 * tell() - Say that a command does its work outside
 * @care:	How
 * @format:	What to say
 */
static void tell(struct programs_care care, const char *format, ...)
{
	char reason[REASON_MAX];
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(reason, sizeof(reason), format, arguments);
	va_end(arguments);
	if (care.is_strict)
		die(STATUS_SETUP, "%s", reason);
	if (!care.is_quiet)
		warn("%s", reason);
}

/**
 * has_word() - Is a word among a command's?
 * @command:	Command
 * @word:	The word, or NULL for any command
 */
static bool has_word(char *const *command, const char *word)
{
	if (!word)
		return true;
	while (*++command) {
		if (strcmp(*command, word) == 0)
			return true;
	}
	return false;
}

/**
 * programs_check_daemon() - Is a command the face of a daemon?
 * @command:	Command
 * @care:	What is done about it
 */
void programs_check_daemon(char *const *command, struct programs_care care)
{
	const char *name = last_part(command[0]);
	int i;

	for (i = 0; i < FACES; i++) {
		if (strcmp(faces[i].command, name) == 0 &&
		    has_word(command, faces[i].option)) {
			tell(care,
			     "%s talks to a daemon outside; %s will NOT use "
			     "the tunnel",
			     name, faces[i].what);
			return;
		}
	}
}

/**
 * is_process_of() - Is this the process of a program of that name?
 * @process:	Open directory of the process
 * @command:	Name of the program
 */
static bool is_process_of(int process, const char *command)
{
	int fd = openat(process, "comm", O_RDONLY | O_CLOEXEC), i;
	char name[NAME_MAX_BYTES + 2];
	ssize_t got;

	if (fd < 0)
		return false;
	got = read(fd, name, sizeof(name) - 1);
	close(fd);
	if (got <= 0)
		return false;
	name[got] = '\0';
	name[strcspn(name, "\n")] = '\0';
	for (i = 0; i < SINGLES; i++) {
		if (strcmp(singles[i].command, command) == 0 &&
		    strcmp(singles[i].process, name) == 0)
			return true;
	}
	return false;
}

/**
 * is_outside() - Is a process of ours in another network namespace?
 * @process:	Open directory of the process
 * @netns:	Inode of the tunnel's network namespace
 * One that can't be looked into, such as a browser's helper, is passed over: its
 * parent can be.
 */
static bool is_outside(int process, ino_t netns)
{
	struct stat owner, network;

	return fstat(process, &owner) == 0 && owner.st_uid == geteuid() &&
	       fstatat(process, "ns/net", &network, 0) == 0 &&
	       network.st_ino != netns;
}

/**
 * find_outside() - Find a process of a program in another network namespace
 * @command:	Name of the program
 * @netns:	Inode of the tunnel's network namespace
 * Returns its pid, or 0 if there is none.
 */
static int find_outside(const char *command, ino_t netns)
{
	DIR *list = opendir("/proc");
	struct dirent *entry;
	int process, found = 0;

	while (list && found == 0 && (entry = readdir(list))) {
		if (entry->d_name[0] < '1' || entry->d_name[0] > '9')
			continue;
		process = openat(dirfd(list), entry->d_name,
				 O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		if (process < 0)
			continue;
		if (atoi(entry->d_name) != getpid() &&
		    is_process_of(process, command) &&
		    is_outside(process, netns))
			found = atoi(entry->d_name);
		close(process);
	}
	if (list)
		closedir(list);
	return found;
}

/**
 * programs_check_running() - Does a program run already, and elsewhere?
 * @command:	Name or path of the program
 * @netns:	Inode of the tunnel's network namespace
 * @care:	What is done about it
 */
void programs_check_running(const char *command, ino_t netns,
			    struct programs_care care)
{
	const char *name = last_part(command);
	int i, pid;

	for (i = 0; i < SINGLES; i++) {
		if (strcmp(singles[i].command, name) == 0)
			break;
	}
	if (i == SINGLES)
		return;
	pid = find_outside(name, netns);
	if (pid != 0)
		tell(care,
		     "%s is already running outside the tunnel (pid %d); a new "
		     "window would open THERE. Close it first",
		     name, pid);
}
