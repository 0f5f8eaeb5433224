/* SPDX-License-Identifier: MIT */
/* service.h - the engine of a tunnel: started, watched, started again */
#ifndef WG_WRAP_SERVICE_H
#define WG_WRAP_SERVICE_H

#include "engine.h"

#include <stdbool.h>

struct keep_tunnel;

struct service {
	struct engine engine;
	const struct keep_tunnel *tunnel;
	unsigned int restarts;
	long long start_at; /* start the engine again */
	long long ready_by; /* or else the engine is killed */
};

void service_prepare(struct service *service, const struct keep_tunnel *tunnel);

/* Returns false if the kernel is short of something; `start_at` is set then. */
bool service_start(struct service *service, long long now_ms);

/* The same for an engine whose predecessor died: that is counted. */
void service_start_again(struct service *service, long long now_ms);

/* The engine has said so. */
void service_is_ready(struct service *service);

/*
 * The engine's process has ended and was waited for. Returns how long to wait
 * before the next start.
 */
unsigned int service_ended(struct service *service, long long now_ms);

/* Start the engine again, but not at once. */
void service_put_off(struct service *service, long long now_ms,
		     unsigned int pause_ms);

#endif
