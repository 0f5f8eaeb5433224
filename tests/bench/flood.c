/* SPDX-License-Identifier: MIT */
/*
 * flood.c - datagrams as fast as they can be sent, and how many of them arrive
 *
 *	flood receive ADDRESS PORT
 *		Counts until its input has ended and nothing comes any more;
 *		prints how many datagrams there were that count.
 *	flood send ADDRESS PORT BYTES MILLISECONDS
 *		Prints how many datagrams it sent that count, and in how many
 *		nanoseconds.
 *
 * Only the datagrams of the middle count, which the first byte says: before and
 * behind them others go the same way, so that no queue is filled or emptied at
 * the cost of those that count.
 */
#include "program.h"

#include <poll.h>
#include <stdbool.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
	BATCH = 64,
	DATAGRAM_MAX = 9000,
	BUFFER_BYTES = 8 << 20,
	/* Before and behind what counts. */
	MARGIN_MS = 300,
	SILENCE_MS = 300,
	COUNTS = 1,
};

static uint8_t bytes[BATCH][DATAGRAM_MAX];

/**
 * lay_out() - Point messages to the buffers
 * @messages:	Gets them
 * @pieces:	Gets what is between
 * @len:	Length of each
 */
static void lay_out(struct mmsghdr messages[BATCH], struct iovec pieces[BATCH],
		    size_t len)
{
	int i;

	memset(messages, 0, BATCH * sizeof(*messages));
	for (i = 0; i < BATCH; i++) {
		pieces[i] = (struct iovec){bytes[i], len};
		messages[i].msg_hdr.msg_iov = &pieces[i];
		messages[i].msg_hdr.msg_iovlen = 1;
	}
}

/**
 * receive() - Count what comes
 * @fd:		Bound socket
 */
static void receive(int fd)
{
	struct pollfd fds[] = {{.fd = fd, .events = POLLIN},
			       {.fd = STDIN_FILENO, .events = POLLIN}};
	struct mmsghdr messages[BATCH];
	struct iovec pieces[BATCH];
	uint64_t counted = 0;
	bool is_ending = false;
	int count, i;

	lay_out(messages, pieces, DATAGRAM_MAX);
	say_ready();
	for (;;) {
		count = recvmmsg(fd, messages, BATCH, MSG_DONTWAIT, NULL);
		for (i = 0; i < count; i++)
			counted += bytes[i][0] == COUNTS;
		if (count > 0)
			continue;
		count = poll(fds, 2, is_ending ? SILENCE_MS : -1);
		if (count == 0)
			break;
		if (fds[1].revents != 0) {
			is_ending = true;
			fds[1].fd = -1;
		}
	}
	printf("%llu\n", (unsigned long long)counted);
}

/**
 * send_for() - Send for some time
 * @fd:		Connected socket
 * @messages:	Batch
 * @ms:		How long
 * @sent:	Gets how many there were
 * Returns how long it was, in nanoseconds.
 */
static uint64_t send_for(int fd, struct mmsghdr messages[BATCH], uint32_t ms,
			 uint64_t *sent)
{
	uint64_t begin = now(), time = begin;
	int count;

	*sent = 0;
	while (time - begin < (uint64_t)ms * NS_PER_MS) {
		count = sendmmsg(fd, messages, BATCH, 0);
		/* A full queue on the way is what is looked for. */
		if (count < 0 && errno != ENOBUFS && errno != EAGAIN)
			fail("sendmmsg");
		if (count > 0)
			*sent += (uint64_t)count;
		time = now();
	}
	return time - begin;
}

/**
 * send_all() - Send what counts, between what doesn't
 * @fd:		Connected socket
 * @len:	Length of each datagram
 * @ms:		How long what counts is sent
 */
static void send_all(int fd, uint32_t len, uint32_t ms)
{
	struct mmsghdr messages[BATCH];
	struct iovec pieces[BATCH];
	uint64_t sent, counted, elapsed;
	int i;

	lay_out(messages, pieces, len);
	send_for(fd, messages, MARGIN_MS, &sent);
	for (i = 0; i < BATCH; i++)
		bytes[i][0] = COUNTS;
	elapsed = send_for(fd, messages, ms, &counted);
	for (i = 0; i < BATCH; i++)
		bytes[i][0] = 0;
	send_for(fd, messages, MARGIN_MS, &sent);
	printf("%llu %llu\n", (unsigned long long)counted,
	       (unsigned long long)elapsed);
}

int main(int argc, char **argv)
{
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	int size = BUFFER_BYTES;
	struct sockaddr_in address;
	uint32_t len;

	if (argc != 4 && argc != 6) {
		fputs("usage: flood receive ADDRESS PORT\n"
		      "       flood send ADDRESS PORT BYTES MILLISECONDS\n",
		      stderr);
		return 64;
	}
	address = parse_address(argv[2], argv[3]);
	if (fd < 0)
		fail("socket");
	if (argc == 4) {
		setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));
		if (bind(fd, (struct sockaddr *)&address, sizeof(address)) != 0)
			fail("bind");
		receive(fd);
		return 0;
	}
	len = parse_number(argv[4]);
	if (len > DATAGRAM_MAX) {
		errno = EMSGSIZE;
		fail(argv[4]);
	}
	if (connect(fd, (struct sockaddr *)&address, sizeof(address)) != 0)
		fail("connect");
	send_all(fd, len, parse_number(argv[5]));
	return 0;
}
