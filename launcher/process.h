/* SPDX-License-Identifier: MIT */
/* process.h - what /proc tells of a process */
#ifndef WG_WRAP_PROCESS_H
#define WG_WRAP_PROCESS_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/* Whether a process, or a thread of it, has a network namespace. */
bool process_lives_in(int proc, const char *pid, ino_t netns);

/* The parent that a text of /proc/PID/stat tells of; 0 if it tells none. */
pid_t process_parse_parent(const char *stat);

/* Whether a process is the pin of the tunnel with this network namespace. */
bool process_is_pin(pid_t pid, ino_t netns);

/*
 * Whether a process is a child of that pin, as its engine is, whichever of its
 * engines that may be.
 */
bool process_is_pins(int proc, const char *pid, pid_t pin, ino_t netns);

/* Appends pid and name to a list; nothing of them can harm a terminal. */
void process_put(int proc, const char *pid, char *text, size_t size);

/* Bytes of a process's name, as the kernel keeps it. */
enum { PROCESS_NAME_MAX = 16 };

#endif
