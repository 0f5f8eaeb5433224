/* SPDX-License-Identifier: MIT */
/* evidence.h - facts about this process and its host, for cause.c */
#ifndef WG_WRAP_EVIDENCE_H
#define WG_WRAP_EVIDENCE_H

struct cause;

/*
 * Looks up all facts but the first two and those about /dev/net/tun, which are
 * the caller's. root is put before every path, and is "" but in tests.
 */
void evidence_look(struct cause *cause, const char *root);

#endif
