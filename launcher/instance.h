/* SPDX-License-Identifier: MIT */
/* instance.h - a tunnel's identity, its state directory and its lock */
#ifndef WG_WRAP_INSTANCE_H
#define WG_WRAP_INSTANCE_H

#include "blake2s.h"

#include <stdbool.h>
#include <sys/types.h>

struct instance {
	char hash[HASH_DIGITS + 1]; /* of the configuration's real path */
	ino_t caller_netns;
	int runtime;   /* directory of all state directories */
	int directory; /* the state directory */
	int lock;
	int record; /* of the living tunnel, -1 without one */
};

void instance_locate(const char *config, struct instance *instance);
bool instance_is_around_us(const struct instance *instance);
void instance_hold(struct instance *instance);
bool instance_hold_found(struct instance *instance);
bool instance_find_record(struct instance *instance);
bool instance_outlive(struct instance *instance, pid_t pin);
void instance_release_lock(struct instance *instance);
/* Removes the files that say that a tunnel lives. */
void instance_unlink_state(int directory);

void instance_close(struct instance *instance);

#endif
