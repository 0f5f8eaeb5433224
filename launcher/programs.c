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
#include "text.h"

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
enum {
	NAME_MAX_BYTES = 15,
	REASON_MAX = 256,
	WORDS_MAX_BYTES = 1 << 20, /* of a command line */
};

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

/*
 * Programs that run once for each user, the names of their processes, and how
 * one is kept apart from another.
 */
static const struct {
	const char *command;
	const char *process;
	enum isolate_way way;
} singles[] = {
	{"firefox", "firefox", ISOLATE_MOZILLA},
	{"firefox", "firefox-bin", ISOLATE_MOZILLA},
	{"firefox", "firefox-esr", ISOLATE_MOZILLA},
	{"firefox-esr", "firefox-esr", ISOLATE_MOZILLA},
	{"librewolf", "librewolf", ISOLATE_MOZILLA},
	{"chromium", "chromium", ISOLATE_CHROMIUM},
	{"chromium", "chrome", ISOLATE_CHROMIUM},
	{"chromium-browser", "chromium", ISOLATE_CHROMIUM},
	{"chromium-browser", "chromium-browse", ISOLATE_CHROMIUM},
	{"google-chrome", "chrome", ISOLATE_CHROMIUM},
	{"google-chrome-stable", "chrome", ISOLATE_CHROMIUM},
	{"chrome", "chrome", ISOLATE_CHROMIUM},
	{"brave-browser", "brave", ISOLATE_CHROMIUM},
	{"brave", "brave", ISOLATE_CHROMIUM},
	{"microsoft-edge", "msedge", ISOLATE_CHROMIUM},
	{"vivaldi", "vivaldi-bin", ISOLATE_CHROMIUM},
	{"opera", "opera", ISOLATE_CHROMIUM},
	{"code", "code", ISOLATE_CHROMIUM},
	{"codium", "codium", ISOLATE_CHROMIUM},
	{"cursor", "cursor", ISOLATE_CHROMIUM},
	{"slack", "slack", ISOLATE_CHROMIUM},
	{"discord", "Discord", ISOLATE_NONE},
	{"Discord", "Discord", ISOLATE_NONE},
	{"signal-desktop", "signal-desktop", ISOLATE_CHROMIUM},
	{"telegram-desktop", "telegram-deskto", ISOLATE_WORKDIR},
	{"element-desktop", "element-desktop", ISOLATE_CHROMIUM},
	{"spotify", "spotify", ISOLATE_NONE},
	{"thunderbird", "thunderbird", ISOLATE_MOZILLA},
	{"thunderbird", "thunderbird-bin", ISOLATE_MOZILLA},
	{"evolution", "evolution", ISOLATE_NONE},
	{"qbittorrent", "qbittorrent", ISOLATE_NONE},
	{"transmission-gtk", "transmission-gt", ISOLATE_CONFIG_G},
	{"transmission-qt", "transmission-qt", ISOLATE_NONE},
	{"deluge", "deluge", ISOLATE_CONFIG_C},
	{"emacsclient", "emacs", ISOLATE_NONE},
	{"emacsclient", "emacs-gtk", ISOLATE_NONE},
	{"gnome-terminal", "gnome-terminal-", ISOLATE_NONE},
	{"konsole", "konsole", ISOLATE_NONE},
	{"kitty", "kitty", ISOLATE_NONE},
	{"steam", "steam", ISOLATE_NONE},
	{"tmux", "tmux: server", ISOLATE_SOCKET_L},
	{"screen", "screen", ISOLATE_NONE},
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
 * has_mark() - Is there a text in a process's arguments?
 * @process:	Open directory of the process
 * @mark:	The text, or NULL for any process
 */
static bool has_mark(int process, const char *mark)
{
	char *words;
	bool is_found;
	size_t len;

	if (!mark)
		return true;
	words = text_read(process, "cmdline", WORDS_MAX_BYTES, &len);
	is_found = words && memmem(words, len, mark, strlen(mark));
	free(words);
	return is_found;
}

/**
 * find_outside() - Find a process of a program in another network namespace
 * @command:	Name of the program
 * @netns:	Inode of the tunnel's network namespace
 * @mark:	What its arguments must hold, or NULL
 * Returns its pid, or 0 if there is none.
 */
static int find_outside(const char *command, ino_t netns, const char *mark)
{
	DIR *list = opendir("/proc");
	struct dirent *entry;
	int process, pid, found = 0;

	while (list && found == 0 && (entry = readdir(list))) {
		if (entry->d_name[0] < '1' || entry->d_name[0] > '9')
			continue;
		process = openat(dirfd(list), entry->d_name,
				 O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		if (process < 0)
			continue;
		pid = (int)strtol(entry->d_name, NULL, 10);
		if (pid != getpid() && is_process_of(process, command) &&
		    is_outside(process, netns) && has_mark(process, mark))
			found = pid;
		close(process);
	}
	if (list)
		closedir(list);
	return found;
}

/**
 * programs_keep_apart() - Keep a program apart from one that runs elsewhere
 * @command:	Command
 * @where:	The tunnel
 * @care:	How
 * Returns the command to run, which is another one if it was isolated. That one
 * can meet only who was isolated in the same way, from another tunnel of the
 * same configuration.
 */
char *const *programs_keep_apart(char *const *command,
				 const struct programs_place *where,
				 struct programs_care care)
{
	static struct isolated isolated;
	const char *name = last_part(command[0]), *mark = NULL;
	int i, pid;

	for (i = 0; i < SINGLES; i++) {
		if (strcmp(singles[i].command, name) == 0)
			break;
	}
	if (i == SINGLES)
		return command;
	if (care.is_isolated && isolate_command(command, singles[i].way,
						where->config, &isolated)) {
		command = isolated.command;
		mark = isolated.mark;
	}
	pid = find_outside(name, where->netns, mark);
	if (pid == 0)
		return command;
	if (care.is_isolated && !mark)
		die(STATUS_SETUP,
		    "%s is already running outside the tunnel (pid %d), and "
		    "--isolate can't keep this one apart from it. Close it "
		    "first",
		    name, pid);
	tell(care,
	     "%s is already running outside the tunnel (pid %d); a new window "
	     "would open THERE. Close it%s",
	     name, pid,
	     mark || singles[i].way == ISOLATE_NONE ? " first"
						    : ", or use --isolate");
	return command;
}
