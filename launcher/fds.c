/* SPDX-License-Identifier: MIT */
/*
 * fds.c - descriptors as other processes expect them
 *
 * Between processes of ours a descriptor's number is its name. A child is
 * therefore given exactly the table of numbers that it expects, from 0 upwards
 * and with nothing above: a pipe of the caller that a daemon kept by accident
 * would make `$(wg-wrap ...)` wait for the daemon's end.
 */
#include "fds.h"

#include "die.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

/* Tables are moved up here before they are laid out from 0. */
enum { STAGING_BASE = 32, TABLE_MAX = 16 };

/* Room for one control message, aligned as the kernel wants it. */
union control {
	struct cmsghdr header;
	char room[CMSG_SPACE(sizeof(int) * FDS_PER_MESSAGE)];
};

/**
 * fds_send() - Send bytes and descriptors as one message
 * @socket:	Unix socket
 * @data:	Bytes, at least one: stream sockets carry no empty message
 * @len:	Number of bytes
 * @fds:	Descriptors; they stay open here
 * @count:	Number of descriptors, may be 0
 * Returns 0, or -1 with errno.
 */
int fds_send(int socket, const void *data, size_t len, const int *fds,
	     unsigned int count)
{
	struct iovec bytes = {.iov_base = (void *)(unsigned long)data,
			      .iov_len = len};
	union control control;
	struct msghdr message = {.msg_iov = &bytes, .msg_iovlen = 1};
	ssize_t sent;

	if (len == 0 || count > FDS_PER_MESSAGE) {
		errno = EINVAL;
		return -1;
	}
	memset(&control, 0, sizeof(control));
	if (count > 0) {
		message.msg_control = &control;
		message.msg_controllen =
			(socklen_t)CMSG_SPACE(sizeof(int) * count);
		control.header.cmsg_level = SOL_SOCKET;
		control.header.cmsg_type = SCM_RIGHTS;
		control.header.cmsg_len =
			(socklen_t)CMSG_LEN(sizeof(int) * count);
		memcpy(CMSG_DATA(&control.header), fds, sizeof(int) * count);
	}
	do {
		sent = sendmsg(socket, &message, MSG_NOSIGNAL);
	} while (sent < 0 && errno == EINTR);
	if (sent < 0)
		return -1;
	if ((size_t)sent != len) {
		errno = EMSGSIZE;
		return -1;
	}
	return 0;
}

/**
 * fds_receive() - Receive one message of bytes and descriptors
 * @socket:	Unix socket
 * @data:	Where the bytes go
 * @size:	Room there
 * @fds:	Where the descriptors go, CLOEXEC and the caller's to close
 * @count:	In: room in @fds, at most FDS_PER_MESSAGE. Out: how many came
 * Returns the number of bytes, 0 at the end, -1 with errno. A message with more
 * descriptors than expected is refused as a whole and none of them stays open.
 */
ssize_t fds_receive(int socket, void *data, size_t size, int *fds,
		    unsigned int *count)
{
	struct iovec bytes = {.iov_base = data, .iov_len = size};
	union control control;
	struct msghdr message = {.msg_iov = &bytes,
				 .msg_iovlen = 1,
				 .msg_control = &control,
				 .msg_controllen = sizeof(control)};
	int came[FDS_PER_MESSAGE];
	unsigned int i, number = 0;
	struct cmsghdr *header;
	ssize_t got;

	memset(&control, 0, sizeof(control));
	do {
		got = recvmsg(socket, &message, MSG_CMSG_CLOEXEC);
	} while (got < 0 && errno == EINTR);
	if (got < 0)
		return -1;
	header = CMSG_FIRSTHDR(&message);
	if (header && header->cmsg_level == SOL_SOCKET &&
	    header->cmsg_type == SCM_RIGHTS) {
		number = (unsigned int)((header->cmsg_len - CMSG_LEN(0)) /
					sizeof(int));
		memcpy(came, CMSG_DATA(header), sizeof(int) * number);
	}
	if (number > *count || message.msg_flags & (MSG_CTRUNC | MSG_TRUNC)) {
		for (i = 0; i < number; i++)
			close(came[i]);
		errno = EMSGSIZE;
		return -1;
	}
	memcpy(fds, came, sizeof(int) * number);
	*count = number;
	return got;
}

/**
 * close_listed_from() - Close descriptors as /proc lists them
 * @first:	Lowest number to close
 * For kernels before 5.9, and for filters that refuse close_range().
 */
static void close_listed_from(unsigned int first)
{
	DIR *list = opendir("/proc/self/fd");
	struct dirent *entry;
	int fd;

	if (!list)
		die_errno("can't list open descriptors in /proc/self/fd");
	while ((entry = readdir(list))) {
		fd = (int)strtol(entry->d_name, NULL, 10);
		if (entry->d_name[0] != '.' && fd >= (int)first &&
		    fd != dirfd(list))
			close(fd);
	}
	closedir(list);
}

/**
 * fds_close_from() - Close every descriptor from a number upwards
 * @first:	Lowest number to close
 */
void fds_close_from(unsigned int first)
{
	if (syscall(SYS_close_range, first, ~0U, 0) != 0)
		close_listed_from(first);
}

/**
 * fds_place() - Make the descriptor table of a program about to be executed
 * @sources:	Open descriptors, in any order and possibly repeated
 * @count:	How many
 * Afterwards descriptor i is a copy of sources[i] without CLOEXEC, for each i
 * below @count, and nothing else is open.
 */
void fds_place(const int *sources, unsigned int count)
{
	int staged[TABLE_MAX];
	unsigned int i;

	if (count > TABLE_MAX)
		die(STATUS_SETUP, "internal: %u descriptors to place", count);
	/* First out of the way: a source may have the number of a target. */
	for (i = 0; i < count; i++) {
		staged[i] = fcntl(sources[i], F_DUPFD_CLOEXEC, STAGING_BASE);
		if (staged[i] < 0)
			die_errno("can't duplicate a descriptor");
	}
	for (i = 0; i < count; i++) {
		if (dup2(staged[i], (int)i) < 0)
			die_errno("can't duplicate a descriptor");
	}
	fds_close_from(count);
}

/**
 * fds_dev_null() - Open /dev/null for reading and writing
 * Returns the descriptor, CLOEXEC. Dies without one.
 */
int fds_dev_null(void)
{
	int fd = open("/dev/null", O_RDWR | O_CLOEXEC);

	if (fd < 0)
		die_errno("can't open /dev/null");
	return fd;
}
