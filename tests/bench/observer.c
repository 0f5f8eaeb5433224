/* SPDX-License-Identifier: MIT */
/*
 * observer.c - what a cold start does, and when, without a word from it
 *
 *	observer UID NETNS LINK DIRECTORY
 *
 * Three sources, each with a clock that is CLOCK_MONOTONIC or is turned into
 * it, in nanoseconds:
 *
 *   exec NS PID COMMAND LINE	a process of that uid became a program
 *   exit NS PID		any process ended
 *	the kernel's process connector, which takes root in the first network
 *	namespace; the times are the kernel's
 *   sent NS BYTES, received NS BYTES	a UDP datagram passed the link
 *	a packet socket in the namespace; the times are the kernel's
 *   file NS NAME		a file of the state directory was put into
 *				place or written to
 *	inotify; the times are those of the reading
 *
 * Lines are kept in memory, so that watching costs little, and are printed when
 * a line comes on stdin, which follows them. "watching" says that it began.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/cn_proc.h>
#include <linux/connector.h>
#include <linux/if_packet.h>
#include <linux/netlink.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <poll.h>
#include <sched.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

enum {
	KEPT_MAX = 1 << 20,
	COMMAND_MAX = 200,
	/* Of an IPv4 packet without options. */
	PROTOCOL_AT = 9,
	IPV4_BYTES = 20,
	UDP_BYTES = 8,
};

static char kept[KEPT_MAX];
static size_t kept_bytes;

/**
 * fail() - Say what can't be done, with errno, and exit
 * @what:	What
 */
static _Noreturn void fail(const char *what)
{
	fprintf(stderr, "observer: can't %s: %s\n", what, strerror(errno));
	exit(1);
}

/**
 * keep() - Keep a line
 * @format:	As for printf()
 * Without room for it the line is lost; whoever misses it will say so.
 */
static __attribute__((format(printf, 1, 2))) void keep(const char *format, ...)
{
	va_list arguments;
	int len;

	va_start(arguments, format);
	len = vsnprintf(kept + kept_bytes, KEPT_MAX - kept_bytes, format,
			arguments);
	va_end(arguments);
	if (len > 0 && (size_t)len < KEPT_MAX - kept_bytes)
		kept_bytes += (size_t)len;
}

/**
 * read_clock() - Nanoseconds of a clock
 * @clock:	CLOCK_ constant
 */
static long long read_clock(clockid_t clock)
{
	struct timespec time;

	clock_gettime(clock, &time);
	return (long long)time.tv_sec * 1000000000 + time.tv_nsec;
}

/**
 * open_connector() - Subscribe to the news of processes
 * Returns the socket.
 */
static int open_connector(void)
{
	enum proc_cn_mcast_op operation = PROC_CN_MCAST_LISTEN;
	struct sockaddr_nl address = {.nl_family = AF_NETLINK,
				      .nl_groups = CN_IDX_PROC};
	struct cn_msg message = {.id = {CN_IDX_PROC, CN_VAL_PROC},
				 .len = sizeof(operation)};
	struct nlmsghdr header = {.nlmsg_type = NLMSG_DONE};
	struct iovec parts[] = {{&header, sizeof(header)},
				{&message, sizeof(message)},
				{&operation, sizeof(operation)}};
	int room = 1 << 22;
	int fd = socket(AF_NETLINK, SOCK_DGRAM | SOCK_CLOEXEC,
			NETLINK_CONNECTOR);

	header.nlmsg_len = sizeof(header) + sizeof(message) + sizeof(operation);
	if (fd < 0 ||
	    bind(fd, (struct sockaddr *)&address, sizeof(address)) != 0 ||
	    setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &room, sizeof(room)) != 0 ||
	    writev(fd, parts, 3) < 0)
		fail("subscribe to the process connector");
	return fd;
}

/**
 * open_link() - See the packets of a link of another namespace
 * @netns:	Path of the namespace, which this process stays in
 * @link:	Name of the link
 * Returns the socket.
 */
static int open_link(const char *netns, const char *link)
{
	struct sockaddr_ll address = {.sll_family = AF_PACKET,
				      .sll_protocol = htons(ETH_P_ALL)};
	int on = 1, namespace = open(netns, O_RDONLY | O_CLOEXEC), fd;

	if (namespace < 0 || setns(namespace, CLONE_NEWNET) != 0)
		fail("enter the network namespace");
	close(namespace);
	address.sll_ifindex = (int)if_nametoindex(link);
	fd = socket(AF_PACKET, SOCK_DGRAM | SOCK_CLOEXEC, htons(ETH_P_ALL));
	if (fd < 0 || bind(fd, (struct sockaddr *)&address, sizeof(address)) ||
	    setsockopt(fd, SOL_SOCKET, SO_TIMESTAMPNS, &on, sizeof(on)) != 0)
		fail("listen to the link");
	return fd;
}

/**
 * open_directory() - Watch the files of a directory
 * @directory:	Path
 * Returns the descriptor.
 */
static int open_directory(const char *directory)
{
	int fd = inotify_init1(IN_CLOEXEC);

	if (fd < 0 ||
	    inotify_add_watch(fd, directory, IN_MOVED_TO | IN_MODIFY) < 0)
		fail("watch the state directory");
	return fd;
}

/**
 * keep_exec() - Keep that a process of the user became a program
 * @pid:	Process
 * @time:	When
 * @uid:	The user
 */
static void keep_exec(pid_t pid, unsigned long long time, uid_t uid)
{
	char path[64], words[COMMAND_MAX];
	struct stat owner;
	ssize_t len, i;
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/task", (int)pid);
	if (stat(path, &owner) != 0 || owner.st_uid != uid)
		return;
	snprintf(path, sizeof(path), "/proc/%d/cmdline", (int)pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return;
	len = read(fd, words, sizeof(words) - 1);
	close(fd);
	for (i = 0; i < len; i++) {
		if (words[i] < ' ')
			words[i] = ' ';
	}
	keep("exec %llu %d %.*s\n", time, (int)pid, (int)len, words);
}

/**
 * take_processes() - Take one message of the process connector
 * @fd:	Socket
 * @uid:	The user
 */
static void take_processes(int fd, uid_t uid)
{
	union {
		struct nlmsghdr header;
		char room[4096];
	} message;
	struct proc_event event;
	const char *at;
	ssize_t len = recv(fd, &message, sizeof(message), 0);

	if (len <
	    (ssize_t)(NLMSG_HDRLEN + sizeof(struct cn_msg) + sizeof(event)))
		return;
	at = message.room + NLMSG_HDRLEN + offsetof(struct cn_msg, data);
	memcpy(&event, at, sizeof(event));
	if (event.what == PROC_EVENT_EXEC)
		keep_exec(event.event_data.exec.process_tgid,
			  event.timestamp_ns, uid);
	else if (event.what == PROC_EVENT_EXIT &&
		 event.event_data.exit.process_pid ==
			 event.event_data.exit.process_tgid)
		keep("exit %llu %d\n", (unsigned long long)event.timestamp_ns,
		     (int)event.event_data.exit.process_pid);
}

/**
 * take_packet() - Take one packet of the link
 * @fd:	Socket
 */
static void take_packet(int fd)
{
	union {
		struct cmsghdr header;
		char room[256];
	} control;
	unsigned char packet[2048];
	struct sockaddr_ll from;
	struct iovec bytes = {packet, sizeof(packet)};
	struct msghdr message = {.msg_name = &from,
				 .msg_namelen = sizeof(from),
				 .msg_iov = &bytes,
				 .msg_iovlen = 1,
				 .msg_control = &control,
				 .msg_controllen = sizeof(control)};
	ssize_t len = recvmsg(fd, &message, 0);
	struct cmsghdr *header = CMSG_FIRSTHDR(&message);
	struct timespec stamp;
	long long time;

	if (len < IPV4_BYTES + UDP_BYTES || packet[0] != 0x45 ||
	    packet[PROTOCOL_AT] != IPPROTO_UDP || !header ||
	    header->cmsg_type != SO_TIMESTAMPNS)
		return;
	memcpy(&stamp, CMSG_DATA(header), sizeof(stamp));
	time = (long long)stamp.tv_sec * 1000000000 + stamp.tv_nsec;
	time += read_clock(CLOCK_MONOTONIC) - read_clock(CLOCK_REALTIME);
	keep("%s %lld %zd\n",
	     from.sll_pkttype == PACKET_OUTGOING ? "sent" : "received", time,
	     len - IPV4_BYTES - UDP_BYTES);
}

/**
 * take_files() - Take what happened in the state directory
 * @fd:	Watch
 */
static void take_files(int fd)
{
	union {
		struct inotify_event first;
		char room[4096];
	} events;
	long long time = read_clock(CLOCK_MONOTONIC);
	ssize_t len = read(fd, &events, sizeof(events)), at = 0;
	struct inotify_event event;

	while (at + (ssize_t)sizeof(event) <= len) {
		memcpy(&event, events.room + at, sizeof(event));
		if (event.len > 0)
			keep("file %lld %s\n", time,
			     events.room + at + sizeof(event));
		at += (ssize_t)(sizeof(event) + event.len);
	}
}

/**
 * answer() - Print and forget what was kept
 * Returns false at the end of stdin.
 */
static bool answer(void)
{
	char line[64];
	ssize_t len = read(STDIN_FILENO, line, sizeof(line));

	if (len <= 0)
		return false;
	fwrite(kept, 1, kept_bytes, stdout);
	fwrite(line, 1, (size_t)len, stdout);
	fflush(stdout);
	kept_bytes = 0;
	return true;
}

/**
 * main() - Watch until stdin ends
 * @argc:	Number of words
 * @argv:	Command line
 */
int main(int argc, char **argv)
{
	struct pollfd watches[4] = {{.fd = STDIN_FILENO, .events = POLLIN}};
	uid_t uid;
	int i;

	if (argc != 5) {
		fputs("observer: expected UID NETNS LINK DIRECTORY\n", stderr);
		return 1;
	}
	uid = (uid_t)strtoul(argv[1], NULL, 10);
	watches[1].fd = open_connector();
	watches[2].fd = open_link(argv[2], argv[3]);
	watches[3].fd = open_directory(argv[4]);
	for (i = 1; i < 4; i++)
		watches[i].events = POLLIN;
	puts("watching");
	fflush(stdout);
	for (;;) {
		if (poll(watches, 4, -1) < 0 && errno != EINTR)
			fail("wait");
		if (watches[1].revents != 0)
			take_processes(watches[1].fd, uid);
		if (watches[2].revents != 0)
			take_packet(watches[2].fd);
		if (watches[3].revents != 0)
			take_files(watches[3].fd);
		/* Last, so that an answer has all that happened before it. */
		if (watches[0].revents != 0 && !answer())
			return 0;
	}
}
