/* SPDX-License-Identifier: MIT */
/* pour.c - one datagram, again and again, faster than anybody can look at it */
#include "attempt.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { BATCH = 64, DATAGRAM_MAX = 1500 };

/**
 * pour() - Send what stdin has until time is over
 * @from:	UDP port to send from; 0 for any
 * @address:	IPv4 address to send to
 * @port:	Its UDP port
 * @seconds:	How long, if nobody ends it before
 * Says "pouring" once it is about to begin.
 */
void pour(int from, const char *address, int port, int seconds)
{
	struct sockaddr_in here = {.sin_family = AF_INET}, to = here;
	static char datagram[DATAGRAM_MAX];
	struct iovec piece = {.iov_base = datagram};
	struct mmsghdr messages[BATCH] = {0};
	time_t end = time(NULL) + seconds;
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0), i;

	here.sin_port = htons((unsigned short)from);
	to.sin_port = htons((unsigned short)port);
	if (fd < 0 || inet_pton(AF_INET, address, &to.sin_addr) != 1 ||
	    bind(fd, (struct sockaddr *)&here, sizeof(here)) != 0)
		exit(1);
	piece.iov_len = fread(datagram, 1, sizeof(datagram), stdin);
	for (i = 0; i < BATCH; i++) {
		messages[i].msg_hdr.msg_name = &to;
		messages[i].msg_hdr.msg_namelen = sizeof(to);
		messages[i].msg_hdr.msg_iov = &piece;
		messages[i].msg_hdr.msg_iovlen = 1;
	}
	puts("pouring");
	fflush(stdout);
	/* What is refused makes no difference. */
	while (time(NULL) < end)
		(void)!sendmmsg(fd, messages, BATCH, 0);
}
