/* SPDX-License-Identifier: MIT */
/*
 * echo.c - how long ICMP echoes take, one after the other
 *
 *	echo ADDRESS INTERVAL_US MILLISECONDS
 *		Prints the nanoseconds of each answered one, a line each. The
 *		other end's kernel answers, so no program's wake-up is in it.
 *
 * Requests go out at fixed times, but none before the last one was answered or
 * given up.
 */
#include "program.h"

#include <netinet/ip_icmp.h>
#include <poll.h>
#include <sys/socket.h>

enum {
	PATIENCE_MS = 1000,
	PAYLOAD_BYTES = 56,
	SAMPLES_MAX = 1 << 20,
};

struct echo {
	struct icmphdr header;
	uint8_t payload[PAYLOAD_BYTES];
};

static uint64_t samples[SAMPLES_MAX];

/**
 * take_answer() - Wait for the answer to a request
 * @fd:		Socket
 * @sequence:	Of the request
 * @begin:	When it was sent
 * Returns nanoseconds, or 0 if it is given up.
 */
static uint64_t take_answer(int fd, uint16_t sequence, uint64_t begin)
{
	struct pollfd fds = {.fd = fd, .events = POLLIN};
	struct echo answer;

	while (poll(&fds, 1, PATIENCE_MS) > 0) {
		if (recv(fd, &answer, sizeof(answer), 0) <
		    (ssize_t)sizeof(answer))
			fail("recv");
		if (answer.header.un.echo.sequence == sequence)
			return now() - begin;
	}
	return 0;
}

/**
 * sleep_until() - Sleep
 * @time:	Until then
 */
static void sleep_until(uint64_t time)
{
	struct timespec until = {.tv_sec = (time_t)(time / 1000000000),
				 .tv_nsec = (long)(time % 1000000000)};

	clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL);
}

/**
 * measure() - Send echoes
 * @fd:		Connected socket
 * @interval_ns: From one to the next
 * @ms:		How long
 * Returns how many were answered.
 */
static uint32_t measure(int fd, uint64_t interval_ns, uint32_t ms)
{
	struct echo echo = {.header.type = ICMP_ECHO};
	uint64_t begin = now(), next = begin, sent, took;
	uint32_t count = 0;
	uint16_t sequence = 0;

	while (next - begin < (uint64_t)ms * NS_PER_MS && count < SAMPLES_MAX) {
		sleep_until(next);
		echo.header.un.echo.sequence = htons(++sequence);
		sent = now();
		if (send(fd, &echo, sizeof(echo), 0) != sizeof(echo))
			fail("send");
		took = take_answer(fd, htons(sequence), sent);
		if (took > 0)
			samples[count++] = took;
		next += interval_ns;
		if (next < now())
			next = now();
	}
	return count;
}

int main(int argc, char **argv)
{
	struct sockaddr_in address;
	uint32_t count, i;
	int fd;

	if (argc != 4) {
		fputs("usage: echo ADDRESS INTERVAL_US MILLISECONDS\n", stderr);
		return 64;
	}
	address = parse_address(argv[1], "1");
	fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, IPPROTO_ICMP);
	if (fd < 0 ||
	    connect(fd, (struct sockaddr *)&address, sizeof(address)) != 0)
		fail("socket for ICMP");
	count = measure(fd, (uint64_t)parse_number(argv[2]) * 1000,
			parse_number(argv[3]));
	for (i = 0; i < count; i++)
		printf("%llu\n", (unsigned long long)samples[i]);
	return 0;
}
