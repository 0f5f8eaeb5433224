/* SPDX-License-Identifier: MIT */
/* attempt.h - what a hostile program tries, and how it tells the result */
#ifndef WG_WRAP_ATTEMPT_H
#define WG_WRAP_ATTEMPT_H

#include <sys/types.h>

void report(const char *subject, const char *name, long result);

void attack_process(pid_t pid);
void attack_mask(const char *path);
void attack_network(void);
void flood(int rounds, char *const *addresses);
void pour(int from, const char *address, int port, int seconds);
_Noreturn void be_victim(void);

#endif
