/* SPDX-License-Identifier: MIT */
/*
 * news.c - what happens to the host that its tunnels should know
 *
 * From inside the engine can't see that the host is on another network, nor that
 * it has slept; the pin can, and says so by one word.
 *
 * network	rtnetlink tells of every route and address that comes or goes,
 *		and on a host with containers there is no end of them. So what
 *		it tells is not even read: a first message means to look, a
 *		moment later, and to discard what has come until then. Looking
 *		is one question for each address that the engine sends to. A way
 *		that is gone is noted, but the engine wakes only for another one.
 * sleep	A timer that the kernel cancels when the clock is set, which it
 *		is on resume. Whether it was that, the two clocks tell: only one
 *		of them counts sleep.
 *
 * Where the kernel gives no such descriptor there is no news, and the engine
 * finds out by the silence of its peers.
 */
#include "news.h"

#include <errno.h>
#include <limits.h>
#include <linux/rtnetlink.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

enum {
	WATCH_CHANGES,
	WATCH_CLOCK,
};

enum {
	/* Changes come in bursts. */
	DEBOUNCE_MS = 250,
	/* The least time from one look to the next. */
	INTERVAL_MS = 1000,
	/* Less than that was no sleep worth waking for. */
	SLEEP_MIN_MS = 1000,
	/* At once, so that whoever floods this socket can't hold the pin. */
	DISCARD_MAX = 256,
};

/**
 * clock_ms() - Read a clock
 * @clock:	CLOCK_...
 */
static long long clock_ms(clockid_t clock)
{
	struct timespec now;

	clock_gettime(clock, &now);
	return (long long)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/**
 * open_changes() - Subscribe to the host's routes and addresses
 * Returns the descriptor, or -1.
 */
static int open_changes(void)
{
	struct sockaddr_nl address = {
		.nl_family = AF_NETLINK,
		.nl_groups = RTMGRP_IPV4_ROUTE | RTMGRP_IPV6_ROUTE |
			     RTMGRP_IPV4_IFADDR | RTMGRP_IPV6_IFADDR,
	};
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK,
			NETLINK_ROUTE);

	if (fd >= 0 &&
	    bind(fd, (struct sockaddr *)&address, sizeof(address)) != 0) {
		close(fd);
		return -1;
	}
	return fd;
}

/**
 * open_clock() - Have the kernel tell when the clock is set
 * Returns the descriptor, or -1.
 */
static int open_clock(void)
{
	/* Far away: it is never to expire. */
	const struct itimerspec never = {.it_value.tv_sec = INT32_MAX};
	int fd = timerfd_create(CLOCK_REALTIME, TFD_CLOEXEC | TFD_NONBLOCK);

	if (fd >= 0 &&
	    timerfd_settime(fd, TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET,
			    &never, NULL) != 0) {
		close(fd);
		return -1;
	}
	return fd;
}

/**
 * news_open() - Begin to listen
 * @news:	News
 */
void news_open(struct news *news)
{
	memset(news, 0, sizeof(*news));
	news->changes = open_changes();
	news->clock = open_clock();
	news->routes = route_open();
	news->look_at = LLONG_MAX;
	news->looked_at = LLONG_MIN / 2;
	news->slept_ms = clock_ms(CLOCK_BOOTTIME) - clock_ms(CLOCK_MONOTONIC);
}

/**
 * news_watch() - Watch the way to an address
 * @news:	News
 * @address:	Address as text
 * An address that is watched already keeps the way that it had: a change that
 * is still to be looked at must not be lost. The oldest makes place.
 */
void news_watch(struct news *news, const char *address)
{
	struct news_target target;
	unsigned int i;

	memset(&target, 0, sizeof(target));
	if (!route_target(address, &target.address))
		return;
	for (i = 0; i < news->target_count; i++) {
		if (memcmp(&news->targets[i].address, &target.address,
			   sizeof(target.address)) == 0)
			return;
	}
	if (!route_look_up(news->routes, &target.address, &target.route))
		return;
	news->targets[news->next_target] = target;
	news->next_target = (news->next_target + 1) % NEWS_TARGETS_MAX;
	if (news->target_count < NEWS_TARGETS_MAX)
		news->target_count++;
}

/**
 * news_poll() - Fill in what to poll for
 * @news:	News
 * @watches:	Gets it
 * Once there is something to look at, more of it changes nothing.
 */
void news_poll(const struct news *news, struct pollfd watches[NEWS_WATCHES])
{
	memset(watches, 0, sizeof(*watches) * NEWS_WATCHES);
	watches[WATCH_CHANGES].fd =
		news->look_at == LLONG_MAX ? news->changes : -1;
	watches[WATCH_CHANGES].events = POLLIN;
	watches[WATCH_CLOCK].fd = news->clock;
	watches[WATCH_CLOCK].events = POLLIN;
}

/**
 * news_hear() - Take note of what the poll has found
 * @news:	News
 * @watches:	What news_poll() filled in
 * @now_ms:	Time
 */
void news_hear(struct news *news, const struct pollfd watches[NEWS_WATCHES],
	       long long now_ms)
{
	uint64_t expirations;
	ssize_t got;

	if (watches[WATCH_CLOCK].revents != 0) {
		got = read(news->clock, &expirations, sizeof(expirations));
		if (got < 0 && errno == ECANCELED &&
		    news_slept(news, clock_ms(CLOCK_BOOTTIME),
			       clock_ms(CLOCK_MONOTONIC)))
			news->has_slept = true;
		if (news->has_slept)
			news->look_at = now_ms;
	}
	if (watches[WATCH_CHANGES].revents == 0 || news->look_at != LLONG_MAX)
		return;
	news->look_at = now_ms + DEBOUNCE_MS;
	if (news->look_at < news->looked_at + INTERVAL_MS)
		news->look_at = news->looked_at + INTERVAL_MS;
}

/**
 * news_slept() - Has the host slept since the last call?
 * @news:	News
 * @boot_ms:	Clock that counts sleep
 * @monotonic_ms: Clock that doesn't
 */
bool news_slept(struct news *news, long long boot_ms, long long monotonic_ms)
{
	long long before = news->slept_ms;

	news->slept_ms = boot_ms - monotonic_ms;
	return news->slept_ms - before >= SLEEP_MIN_MS;
}

/**
 * discard() - Discard what rtnetlink has told
 * @news:	News
 * What doesn't fit the socket's buffer is lost, and need not be told: the error
 * that says so is read like a message.
 */
static void discard(const struct news *news)
{
	unsigned int count;
	char byte;

	for (count = 0; count < DISCARD_MAX; count++) {
		if (recv(news->changes, &byte, sizeof(byte), MSG_TRUNC) < 0 &&
		    errno != ENOBUFS && errno != EINTR)
			break;
	}
}

/**
 * news_is_elsewhere() - Does the host send another way now?
 * @news:	News
 */
bool news_is_elsewhere(struct news *news)
{
	bool is_elsewhere = false;
	struct news_target *target;
	struct route route;
	unsigned int i;

	for (i = 0; i < news->target_count; i++) {
		target = &news->targets[i];
		if (!route_look_up(news->routes, &target->address, &route) ||
		    memcmp(&route, &target->route, sizeof(route)) == 0)
			continue;
		target->route = route;
		is_elsewhere = is_elsewhere || route.errnum == 0;
	}
	return is_elsewhere;
}

/**
 * news_look() - Look whether the engine should wake, if it is time to look
 * @news:	News
 * @now_ms:	Time
 */
bool news_look(struct news *news, long long now_ms)
{
	bool has_slept = news->has_slept;

	if (now_ms < news->look_at)
		return false;
	news->has_slept = false;
	news->look_at = LLONG_MAX;
	news->looked_at = now_ms;
	if (news->changes >= 0)
		discard(news);
	return news_is_elsewhere(news) || has_slept;
}
