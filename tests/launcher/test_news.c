/* SPDX-License-Identifier: MIT */
/* test_news.c - what the host does, in a network namespace of its own */
#include "news.h"

#include "netlink.h"

#include "../setup/test.h"

#include <errno.h>
#include <limits.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sched.h>
#include <stddef.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

static struct pollfd watches[NEWS_WATCHES];

/* Takes what there is to hear; says whether there was something. */
static bool hear(struct news *news, long long now)
{
	int ready;

	news_poll(news, watches);
	ready = poll(watches, NEWS_WATCHES, 0);
	if (ready > 0)
		news_hear(news, watches, now);
	return ready > 0;
}

/* Puts the loopback interface up. */
static void raise_loopback(void)
{
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	struct ifreq request = {.ifr_name = "lo"};

	request.ifr_flags = IFF_UP;
	CHECK(fd >= 0 && ioctl(fd, SIOCSIFFLAGS, &request) == 0);
	close(fd);
}

/* Gives it an address of its class's network; 0 takes it away. */
static void add_address(const char *label, unsigned int address)
{
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	struct ifreq request;
	struct sockaddr_in in = {.sin_family = AF_INET};

	memset(&request, 0, sizeof(request));
	strcpy(request.ifr_name, label);
	in.sin_addr.s_addr = htonl(address);
	memcpy(&request.ifr_addr, &in, sizeof(in));
	CHECK(fd >= 0 && ioctl(fd, SIOCSIFADDR, &request) == 0);
	close(fd);
}

static void test_network(void)
{
	struct news news;

	news_open(&news);
	CHECK(news.changes >= 0 && news.clock >= 0 && news.routes >= 0);
	news_watch(&news, "10.1.2.3");
	news_watch(&news, "10.1.2.3");
	news_watch(&news, "nonsense");
	CHECK(news.target_count == 1);
	CHECK(news.targets[0].route.errnum == ENETUNREACH);
	CHECK(!hear(&news, 1000));
	CHECK(!news_look(&news, 1000));

	raise_loopback();
	add_address("lo:1", 0x0a010203);
	CHECK(hear(&news, 1000));
	CHECK(news.look_at == 1250);
	CHECK(!hear(&news, 1001));
	CHECK(!news_look(&news, 1249));
	CHECK(news_look(&news, 1250));
	CHECK(!hear(&news, 1251));

	/* Not on the way to there. */
	add_address("lo:2", 0xac100909);
	CHECK(hear(&news, 1300));
	CHECK(news.look_at == 2250);
	CHECK(!news_look(&news, 2250));

	/* Gone: nothing to wake for, until there is a way again. */
	add_address("lo:1", 0);
	CHECK(hear(&news, 5000));
	CHECK(!news_look(&news, 5250));
	CHECK(news.targets[0].route.errnum != 0);
	add_address("lo:1", 0x0a010203);
	CHECK(hear(&news, 9000));
	CHECK(news_look(&news, 9250));
}

static void test_many(void)
{
	char address[32];
	struct news news;
	unsigned int i;

	news_open(&news);
	for (i = 0; i < NEWS_TARGETS_MAX + 3; i++) {
		snprintf(address, sizeof(address), "127.0.1.%u", i);
		news_watch(&news, address);
	}
	CHECK(news.target_count == NEWS_TARGETS_MAX);
	CHECK(news.targets[2].address.address[3] == NEWS_TARGETS_MAX + 2);
	CHECK(news.targets[3].address.address[3] == 3);
	CHECK(!news_is_elsewhere(&news));
}

static void test_flood(void)
{
	struct news news;
	unsigned int i;

	news_open(&news);
	news_watch(&news, "10.1.2.3");
	for (i = 0; i < 2000; i++)
		add_address("lo:3", 0x0a0a0000 + i);
	CHECK(hear(&news, 0));
	CHECK(!news_look(&news, 250));
	for (i = 0; i < 20 && hear(&news, 250); i++)
		CHECK(!news_look(&news, 250 + 1000 * (i + 1)));
	CHECK(i < 20);
}

static void test_sleep(void)
{
	struct news news;

	news_open(&news);
	news.slept_ms = 500;
	CHECK(!news_slept(&news, 100500, 100000));
	CHECK(!news_slept(&news, 101400, 100000));
	CHECK(news_slept(&news, 102500, 100000));
	CHECK(!news_slept(&news, 202500, 200000));

	/* What has been noticed is told once. */
	news.has_slept = true;
	news.look_at = 7;
	CHECK(news_look(&news, 7));
	CHECK(!news_look(&news, 8));
}

static void test_answers(void)
{
	struct {
		struct nlmsghdr header;
		struct nlmsgerr error;
	} refusal = {.header = {.nlmsg_len = sizeof(refusal),
				.nlmsg_type = NLMSG_ERROR},
		     .error = {.error = -ENETUNREACH}};
	struct route route;
	size_t len;

	CHECK(route_read(&refusal.header, sizeof(refusal), &route));
	CHECK(route.errnum == ENETUNREACH);
	for (len = 0; len < sizeof(refusal); len++)
		CHECK(!route_read(&refusal.header, len, &route));
	refusal.header.nlmsg_len = sizeof(struct nlmsghdr);
	CHECK(!route_read(&refusal.header, sizeof(refusal), &route));
	refusal.header.nlmsg_len = sizeof(refusal);
	refusal.header.nlmsg_type = NLMSG_DONE;
	CHECK(!route_read(&refusal.header, sizeof(refusal), &route));
}

/* No number of the kernel's; its negative is none at all. */
static void test_errnums(void)
{
	static const int errors[] = {1, -4096, INT_MIN};
	struct {
		struct nlmsghdr header;
		struct nlmsgerr error;
	} refusal = {.header = {.nlmsg_len = sizeof(refusal),
				.nlmsg_type = NLMSG_ERROR}};
	struct route route;
	size_t i;

	for (i = 0; i < sizeof(errors) / sizeof(*errors); i++) {
		refusal.error.error = errors[i];
		CHECK(netlink_errnum(&refusal.header) == -1);
		CHECK(!route_read(&refusal.header, sizeof(refusal), &route));
	}
	refusal.error.error = -4095;
	CHECK(netlink_errnum(&refusal.header) == 4095);
}

/* What follows it here would be another interface. */
static void test_uneven_end(void)
{
	struct uneven {
		struct nlmsghdr header;
		struct rtmsg kind;
		struct rtattr last;
		unsigned int padding;
		struct rtattr behind;
		unsigned int interface;
	} message = {
		.header = {.nlmsg_len = offsetof(struct uneven, padding) + 1,
			   .nlmsg_type = RTM_NEWROUTE},
		.last = {.rta_len = RTA_LENGTH(1), .rta_type = RTA_DST},
		.behind = {.rta_len = RTA_LENGTH(4), .rta_type = RTA_OIF},
		.interface = 7};
	struct route route;

	CHECK(route_read(&message.header, message.header.nlmsg_len, &route));
	CHECK(route.interface == 0);
	CHECK(!netlink_attribute(&message.header, sizeof(message.kind),
				 RTA_OIF));
}

int main(void)
{
	if (unshare(CLONE_NEWUSER | CLONE_NEWNET) != 0) {
		perror("unshare");
		return EXIT_FAILURE;
	}
	TEST("another way to an address is news, once", test_network);
	TEST("of too many addresses the latest are watched", test_many);
	TEST("any number of changes is one look", test_flood);
	TEST("sleep is told from a clock that was set", test_sleep);
	TEST("an answer that is cut off is none", test_answers);
	TEST("what can't be an errno value is none", test_errnums);
	TEST("nothing is read behind an end that isn't even", test_uneven_end);
	return report();
}
