/* SPDX-License-Identifier: MIT */
/*
 * echo.c - how long ICMP echoes take
 *
 *	echo ADDRESS INTERVAL_US MILLISECONDS
 *		Prints the nanoseconds of each, a line each. The other end's
 *		kernel answers, so no program's wake-up is in it.
 *
 * Requests go out at fixed times, whatever has become of those before: a sender
 * that waited for answers would send few while a tunnel is slow, and so find it
 * faster than it is. What is not answered in time counts as PATIENCE_MS.
 */
#include "program.h"

#include <netinet/ip_icmp.h>
#include <poll.h>
#include <stdbool.h>
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

/* When each request was sent; once it is answered, how long that took. */
static uint64_t samples[SAMPLES_MAX];
static bool is_answered[SAMPLES_MAX];

/**
 * take_answers() - Take answers until a time
 * @fd:		Socket
 * @until:	Then
 * @count:	How many requests were sent
 * @answered:	How many of them have been answered; is raised
 * @wanted:	How many answers are enough
 */
static void take_answers(int fd, uint64_t until, uint32_t count,
			 uint32_t *answered, uint32_t wanted)
{
	struct pollfd fds = {.fd = fd, .events = POLLIN};
	struct timespec timeout;
	struct echo answer;
	uint64_t time;
	uint32_t index;

	while (*answered < wanted && (time = now()) < until) {
		timeout.tv_sec = (time_t)((until - time) / NS_PER_S);
		timeout.tv_nsec = (long)((until - time) % NS_PER_S);
		if (ppoll(&fds, 1, &timeout, NULL) <= 0)
			continue;
		if (recv(fd, &answer, sizeof(answer), 0) <
		    (ssize_t)sizeof(answer))
			fail("recv");
		/* The last request of that sequence number. */
		index = count - 1 -
			(uint16_t)(count - 1 -
				   ntohs(answer.header.un.echo.sequence));
		if (index >= count || is_answered[index])
			continue;
		is_answered[index] = true;
		samples[index] = now() - samples[index];
		(*answered)++;
	}
}

/**
 * measure() - Send echoes
 * @fd:		Connected socket
 * @interval_ns: From one to the next
 * @ms:		How long
 * Returns how many there were, or 0 if none was answered.
 */
static uint32_t measure(int fd, uint64_t interval_ns, uint32_t ms)
{
	struct echo echo = {.header.type = ICMP_ECHO};
	uint64_t begin = now(), next = begin;
	uint32_t count = 0, answered = 0, i;

	while (next - begin < (uint64_t)ms * NS_PER_MS && count < SAMPLES_MAX) {
		take_answers(fd, next, count, &answered, UINT32_MAX);
		echo.header.un.echo.sequence = htons((uint16_t)count);
		samples[count++] = now();
		if (send(fd, &echo, sizeof(echo), 0) != sizeof(echo))
			fail("send");
		next += interval_ns;
	}
	take_answers(fd, now() + (uint64_t)PATIENCE_MS * NS_PER_MS, count,
		     &answered, count);
	for (i = 0; i < count; i++)
		if (!is_answered[i])
			samples[i] = (uint64_t)PATIENCE_MS * NS_PER_MS;
	return answered > 0 ? count : 0;
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
