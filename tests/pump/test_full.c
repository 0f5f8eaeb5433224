/* SPDX-License-Identifier: MIT */
/*
 * test_full.c - sockets without room
 *
 * UDP over loopback is never without room: what is sent is the receiver's at
 * once. So datagram sockets of AF_UNIX stand for the UDP sockets, which are full,
 * and have room again, as these are, while whoever reads at their other end is
 * this test. They take no address and no control message, which are taken off on
 * the way. The calls that the pump makes are noted.
 *
 * Linked with: -Wl,--wrap=poll
 */
#include "descriptors.h"
#include "end.h"
#include "state.h"

#include "../setup/test.h"

#include <errno.h>
#include <poll.h>
#include <semaphore.h>
#include <sys/syscall.h>
#include <time.h>

enum {
	/* As many as a super-packet gives. */
	GROUP = 45,
	SEGMENT = 1400,
	GROUPS = 16,
	SEND_BUFFER_BYTES = 200000,
	/* A batch that began that much earlier has little left of its second,
	 * and one that begins later can't be late, however slow this runs. */
	EARLIER_MS = 900,
	LATER_MS = 60000,
	FULL_MS = 1000,
};

static struct pump *pump;
static struct pump_activity *activity;
/* By family: the pump's end, and this test's. */
static int sockets[FAMILIES][2];
static uint8_t arena[GROUPS][GROUP * SEGMENT];
static struct group groups[GROUPS];

/* What the pump has called, since forget_calls(). */
static int sendmmsg_calls, sendmsg_calls, polls;
/* What goes on while it waits. */
static void (*meanwhile)(void);
static bool refuses_groups;
/* Waits then end at once without room, or have no end of their own. */
static bool waits_for_nothing, waits_for_ever;
static sem_t waits;
static uint32_t numbers[FAMILIES];
static int wrong;

static void forget_calls(void)
{
	sendmmsg_calls = sendmsg_calls = polls = 0;
	wrong = 0;
}

static bool is_group(const struct msghdr *header)
{
	const struct cmsghdr *control = header->msg_control;

	return control && control->cmsg_level == IPPROTO_UDP;
}

static struct msghdr stripped(const struct msghdr *header)
{
	return (struct msghdr){.msg_iov = header->msg_iov,
			       .msg_iovlen = header->msg_iovlen};
}

/* In place of the C library's. */
int sendmmsg(int fd, struct mmsghdr *messages, unsigned int count, int flags)
{
	struct mmsghdr copies[BODY_GROUPS] = {0};
	unsigned int i;

	sendmmsg_calls++;
	for (i = 0; i < count; i++) {
		if (refuses_groups && is_group(&messages[i].msg_hdr))
			break;
		copies[i].msg_hdr = stripped(&messages[i].msg_hdr);
	}
	if (i > 0)
		return (int)syscall(SYS_sendmmsg, fd, copies, i, flags);
	errno = EIO;
	return -1;
}

/* Likewise. */
ssize_t sendmsg(int fd, const struct msghdr *header, int flags)
{
	struct msghdr copy = stripped(header);

	sendmsg_calls++;
	return syscall(SYS_sendmsg, fd, &copy, flags);
}

int __real_poll(struct pollfd *fds, nfds_t count, int timeout);
int __wrap_poll(struct pollfd *fds, nfds_t count, int timeout);

int __wrap_poll(struct pollfd *fds, nfds_t count, int timeout)
{
	if (!(fds[0].events & POLLOUT))
		return __real_poll(fds, count, timeout);
	polls++;
	if (meanwhile)
		meanwhile();
	if (waits_for_nothing)
		return 0;
	if (!waits_for_ever)
		return __real_poll(fds, count, timeout);
	sem_post(&waits);
	return __real_poll(fds, count, -1);
}

static uint64_t now_ms(void)
{
	return pump->body.calls->now(pump->body.context);
}

static void open_pump(int tun)
{
	struct pump_config config = {.bytes = sizeof(config),
				     .tun = tun,
				     .vnet_header_bytes = 10,
				     .mtu = END_MTU,
				     .peers_max = END_PEERS};
	uint32_t size = sizeof(struct pump_activity) +
			END_PEERS * sizeof(struct pump_peer_activity);
	int bytes = SEND_BUFFER_BYTES, family, failure;

	for (family = 0; family < FAMILIES; family++) {
		CHECK(socketpair(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0,
				 sockets[family]) == 0);
		CHECK(setsockopt(sockets[family][0], SOL_SOCKET, SO_SNDBUF,
				 &bytes, sizeof(bytes)) == 0);
	}
	config.udp4 = sockets[FAMILY4][0];
	config.udp6 = sockets[FAMILY6][0];
	activity = calloc(1, size);
	pump = pump_open(&config, activity, size, &failure);
	if (!pump)
		exit(EXIT_FAILURE);
	pump->body.groups4 = pump->body.groups6 = true;
	memset(numbers, 0, sizeof(numbers));
	forget_calls();
}

static void close_pump(void)
{
	int family;

	close(pump_wake_fd(pump));
	pump_close(pump);
	free(activity);
	for (family = 0; family < FAMILIES; family++) {
		close(sockets[family][0]);
		close(sockets[family][1]);
	}
}

/* Groups of numbered datagrams, of one family, or with some of the other one. */
static void fill(bool has_both)
{
	uint32_t next[FAMILIES] = {0}, i, at;

	for (i = 0; i < GROUPS; i++) {
		int family = has_both && i % 4 == 1 ? FAMILY6 : FAMILY4;

		for (at = 0; at < GROUP; at++, next[family]++)
			memcpy(arena[i] + (size_t)at * SEGMENT, &next[family],
			       sizeof(next[family]));
		groups[i] = (struct group){
			.to = {.family = family == FAMILY4 ? 4 : 6, .port = 9},
			.bytes = arena[i],
			.len = GROUP * SEGMENT,
			.segment = SEGMENT,
			.count = GROUP,
		};
	}
}

static void send_batch(uint64_t began)
{
	pump->body.calls->send(pump->body.context, groups, GROUPS, began);
}

/* Takes what came; counts what is out of line. Returns how many datagrams. */
static uint32_t take(int family, ssize_t whole)
{
	static uint8_t buffer[GROUP * SEGMENT];
	uint32_t taken = 0, number;
	ssize_t len, at;

	while ((len = recv(sockets[family][1], buffer, sizeof(buffer), 0)) >
	       0) {
		wrong += len != whole;
		for (at = 0; at < len; at += SEGMENT, taken++) {
			memcpy(&number, buffer + at, sizeof(number));
			wrong += number != numbers[family]++;
		}
	}
	return taken;
}

static void take_groups(void)
{
	take(FAMILY4, (ssize_t)GROUP * SEGMENT);
}

static void take_single(void)
{
	take(FAMILY4, SEGMENT);
}

static uint64_t dropped(void)
{
	return activity->drops[PUMP_QUEUE_FULL];
}

static void test_room_soon(void)
{
	open_pump(-1);
	fill(false);
	meanwhile = take_groups;
	send_batch(now_ms() + LATER_MS);
	take_groups();
	CHECK(numbers[FAMILY4] == GROUPS * GROUP && wrong == 0);
	CHECK(polls > 0);
	CHECK(sendmmsg_calls <= 2 * polls + 2);
	CHECK(sendmsg_calls == 0);
	CHECK(dropped() == 0 && activity->udp_send_errors[EAGAIN] == 0);
	close_pump();
}

/* The same where groups are refused, and room gives out in the middle of one. */
static void test_room_soon_singly(void)
{
	open_pump(-1);
	fill(false);
	meanwhile = take_single;
	refuses_groups = true;
	send_batch(now_ms() + LATER_MS);
	take_single();
	CHECK(numbers[FAMILY4] == GROUPS * GROUP && wrong == 0);
	CHECK(polls > 0);
	CHECK(sendmsg_calls <= GROUPS * GROUP + polls);
	CHECK(dropped() == 0 && !pump->body.groups4 && pump->body.groups6);
	refuses_groups = false;
	close_pump();
}

static void test_no_room(void)
{
	uint64_t began, gone;
	uint32_t taken;

	open_pump(-1);
	fill(false);
	meanwhile = NULL;
	began = now_ms() - EARLIER_MS;
	send_batch(began);
	CHECK(polls <= 1 && sendmsg_calls == 0);
	CHECK(now_ms() - began >= FULL_MS);
	gone = dropped();
	CHECK(gone > 0 && gone < GROUPS * GROUP);
	/* Nobody waits a second time for what doesn't move. */
	forget_calls();
	send_batch(now_ms() + LATER_MS);
	CHECK(polls == 0 && sendmmsg_calls == 1);
	CHECK(dropped() == gone + GROUPS * GROUP);
	taken = take(FAMILY4, (ssize_t)GROUP * SEGMENT);
	CHECK(taken == GROUPS * GROUP - gone && wrong == 0);
	/* Until it does. */
	forget_calls();
	numbers[FAMILY4] = 0;
	meanwhile = take_groups;
	gone = dropped();
	send_batch(now_ms() + LATER_MS);
	take_groups();
	CHECK(numbers[FAMILY4] == GROUPS * GROUP && wrong == 0);
	CHECK(polls > 0 && dropped() == gone);
	close_pump();
}

static void take_other_family(void)
{
	CHECK(take(FAMILY6, (ssize_t)GROUP * SEGMENT) > 0);
}

static void test_families(void)
{
	open_pump(-1);
	/* What came before has left no room in one of them. */
	fill(false);
	meanwhile = NULL;
	send_batch(now_ms() - FULL_MS);
	pump->descriptors->is_stuck[FAMILY4] = false;
	CHECK(polls == 0);
	fill(true);
	meanwhile = take_other_family;
	waits_for_nothing = true;
	send_batch(now_ms() + LATER_MS);
	waits_for_nothing = false;
	/* All of it had gone out before anything was waited for. */
	CHECK(numbers[FAMILY6] == GROUPS / 4 * GROUP && wrong == 0);
	CHECK(polls == 1);
	close_pump();
}

/* The wait for room has no end here but for the stop. */
static void test_stop(void)
{
	static uint8_t frame[70000];
	struct pump_endpoint place = end_place(1);
	struct flow flow = {.flags = 0x10};
	struct end end = {.side = 0};
	uint32_t len = make_frame(&flow, frame, GROUP * 1300, 1300);
	int tun[2];

	CHECK(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK, 0, tun) == 0);
	open_pump(tun[1]);
	end.pump = pump;
	end_allow_all(&end, 0);
	end_install_at(&end, 0, 1, false, now_ms());
	pump_peer_endpoint(pump, 0, &place);
	CHECK(pump_promote(pump, end_index(0, 1)) == 0);
	meanwhile = NULL;
	waits_for_ever = true;
	sem_init(&waits, 0, 0);
	CHECK(pump_start(pump) == 0);
	while (sem_trywait(&waits) != 0)
		(void)!write(tun[0], frame, len);
	CHECK(pump_send(pump, 0, NULL, 0) == 0);
	CHECK(pump_stop(pump) == 0);
	CHECK(dropped() > 0);
	/* What came too late for tx, and what came later still. */
	CHECK(activity->drops[PUMP_UNSENT] == 1);
	CHECK(pump_send(pump, 0, NULL, 0) == -ENETDOWN);
	CHECK(activity->drops[PUMP_UNSENT] == 2);
	CHECK(activity->drops[PUMP_SENDS_FULL] == 0);
	waits_for_ever = false;
	close_pump();
	close(tun[0]);
	close(tun[1]);
}

int main(void)
{
	if (!load_openssl())
		return EXIT_FAILURE;
	/* For a wait that nothing ends. */
	alarm(60);
	TEST("a group waits for room, and then goes whole", test_room_soon);
	TEST("so do single datagrams, each once", test_room_soon_singly);
	TEST("without room a batch waits for a second, and the next ones don't",
	     test_no_room);
	TEST("a full socket holds up none of the other family", test_families);
	TEST("a stop ends the waiting for room at once", test_stop);
	return report();
}
