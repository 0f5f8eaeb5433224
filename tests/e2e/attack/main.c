/* SPDX-License-Identifier: MIT */
/*
 * main.c - a hostile program, to be wrapped
 *
 *	attack process PID…	look into processes, and take what they hold
 *	attack mask PATH…	get mounts out of the way
 *	attack network		get packets past the tunnel, or into its device
 *	attack flood ROUNDS ADDRESS…	send whatever can be sent
 *	attack pour FROM ADDRESS PORT SECONDS	send what stdin has, without end
 *	attack victim		let anybody do all of it, until stdin ends
 *
 * One line an attempt: its subject, its name, and "done" or the name of errno.
 * The program never stops at a success, and undoes nothing.
 */
#include "attempt.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/**
 * report() - Tell how an attempt went
 * @subject:	What it was about, or ""
 * @name:	Name of the attempt
 * @result:	Negative: it failed, and errno says why
 */
void report(const char *subject, const char *name, long result)
{
	const char *end = "done";

	if (result < 0)
		end = strerrorname_np(errno);
	printf("%s%s%s %s\n", subject, *subject ? " " : "", name,
	       end ? end : "failed");
}

/**
 * main() - Try one group of attempts
 * @argc:	Number of words
 * @argv:	The group and its subjects
 */
int main(int argc, char **argv)
{
	int i;

	if (argc < 2)
		return 64;
	if (strcmp(argv[1], "victim") == 0)
		be_victim();
	if (strcmp(argv[1], "flood") == 0 && argc > 2) {
		flood(atoi(argv[2]), argv + 3);
		return 0;
	}
	if (strcmp(argv[1], "pour") == 0 && argc == 6) {
		pour(atoi(argv[2]), argv[3], atoi(argv[4]), atoi(argv[5]));
		return 0;
	}
	if (strcmp(argv[1], "network") == 0)
		attack_network();
	for (i = 2; i < argc; i++) {
		if (strcmp(argv[1], "process") == 0)
			attack_process((pid_t)atoi(argv[i]));
		else if (strcmp(argv[1], "mask") == 0)
			attack_mask(argv[i]);
	}
	return 0;
}
