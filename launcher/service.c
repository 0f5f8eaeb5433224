/* SPDX-License-Identifier: MIT */
/*
 * service.c - the engine of a tunnel: started, watched, started again
 *
 * The namespaces have no other way out, so while there is no engine programs
 * see a pause and nothing leaks. The record tells which process is the engine
 * and how often one had to be started again. Engines that die at once are given
 * longer and longer pauses (engine.c); from a second on the state is "failed",
 * for a person should look at the log. It stays so until an engine is ready.
 */
#include "service.h"

#include "census.h"
#include "keep.h"
#include "pin.h"
#include "record.h"

enum {
	READY_MS = 10000,
	FAILED_PAUSE_MS = 1000,
};

/**
 * service_prepare() - Initialise a service that was never started
 * @service:	Service
 * @tunnel:	What the pin has built
 */
void service_prepare(struct service *service, const struct keep_tunnel *tunnel)
{
	engine_prepare(&service->engine);
	service->tunnel = tunnel;
	service->restarts = 0;
	service->start_at = NEVER;
	service->ready_by = NEVER;
}

/**
 * service_put_off() - Start the engine again, but not at once
 * @service:	Service
 * @now_ms:	Time
 * @pause_ms:	How long to wait
 */
void service_put_off(struct service *service, long long now_ms,
		     unsigned int pause_ms)
{
	service->start_at = now_ms + pause_ms;
	if (pause_ms >= FAILED_PAUSE_MS)
		record_set_state(service->tunnel->record, RECORD_FAILED);
}

/**
 * how_it_was() - What a successor has to know of the tunnel's state
 * @tunnel:	Tunnel
 * Returns NULL if there has been no handshake, or none since the tunnel failed
 * or got another configuration.
 */
static const char *how_it_was(const struct keep_tunnel *tunnel)
{
	switch (record_state(tunnel->record)) {
	case RECORD_CONNECTED:
		return "connected";
	case RECORD_STALE:
		return "stale";
	default:
		return NULL;
	}
}

/**
 * service_start() - Start the engine, or plan to try again
 * @service:	Service
 * @now_ms:	Time
 */
bool service_start(struct service *service, long long now_ms)
{
	const struct keep_tunnel *tunnel = service->tunnel;
	const struct engine_fds fds = {.output = tunnel->log,
				       .log = tunnel->log,
				       .tun = PIN_TUN,
				       .udp4 = PIN_UDP4,
				       .udp6 = PIN_UDP6,
				       .configuration = PIN_CONFIGURATION,
				       .control = PIN_CONTROL};
	struct engine_program program = *tunnel->program;

	if (service->engine.timestamp[0] != '\0')
		program.role = service->engine.timestamp;
	program.before = how_it_was(tunnel);
	engine_bound_log(tunnel->log);
	service->start_at = NEVER;
	if (!engine_start(&service->engine, &program, &fds, now_ms)) {
		service_put_off(service, now_ms,
				engine_ended(&service->engine, now_ms));
		return false;
	}
	service->ready_by = now_ms + READY_MS;
	record_set_engine(tunnel->record, service->engine.pid);
	return true;
}

/**
 * service_start_again() - Start a successor of an engine that died
 * @service:	Service
 * @now_ms:	Time
 */
void service_start_again(struct service *service, long long now_ms)
{
	service->restarts++;
	record_set_restarts(service->tunnel->record, service->restarts);
	service_start(service, now_ms);
}

/**
 * service_is_ready() - Note that the engine is wired up
 * @service:	Service
 * Whether peers answer it is another question.
 */
void service_is_ready(struct service *service)
{
	int record = service->tunnel->record;

	service->ready_by = NEVER;
	if (record_state(record) == RECORD_FAILED)
		record_set_state(record, RECORD_STARTING);
}

/**
 * service_ended() - Note that the engine's process has ended
 * @service:	Service
 * @now_ms:	Time
 */
unsigned int service_ended(struct service *service, long long now_ms)
{
	service->ready_by = NEVER;
	record_set_engine(service->tunnel->record, 0);
	return engine_ended(&service->engine, now_ms);
}
