/* SPDX-License-Identifier: MIT */
/* netlink.h - one rtnetlink request at a time, with its answer */
#ifndef WG_WRAP_NETLINK_H
#define WG_WRAP_NETLINK_H

#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <stddef.h>

/* Far above any request of ours, all of which have a fixed shape. */
enum { NETLINK_REQUEST_MAX = 256 };

struct netlink {
	int socket;
	unsigned int sequence;
};

struct netlink_request {
	union {
		struct nlmsghdr header;
		char bytes[NETLINK_REQUEST_MAX];
	};
};

/* Dies where the kernel has no rtnetlink for us. */
void netlink_open(struct netlink *netlink);
void netlink_close(struct netlink *netlink);

/* Begins a request and returns its fixed part of size bytes, zeroed. */
void *netlink_start(struct netlink_request *request, unsigned short type,
		    unsigned short flags, size_t size);

/* Appends an attribute; with len 0 it holds those added until netlink_end(). */
struct rtattr *netlink_add(struct netlink_request *request, unsigned short type,
			   const void *data, size_t len);
void netlink_end(struct netlink_request *request, struct rtattr *nest);

/* The errno value, or 0, that a whole message tells; -1 if it tells none. */
int netlink_errnum(const struct nlmsghdr *message);

/* Sends the request. Returns 0, or the errno value that the kernel answered. */
int netlink_exchange(struct netlink *netlink, struct netlink_request *request);

/*
 * Sends a request for a list, and hands each message of the answer on. Dies
 * where the kernel doesn't answer, or refuses.
 */
void netlink_dump(struct netlink *netlink, struct netlink_request *request,
		  void (*take)(const struct nlmsghdr *message, void *context),
		  void *context);

/*
 * Hands on the messages of one part of such an answer that belong to a request,
 * and tells what comes after it.
 */
enum netlink_next { NETLINK_MORE, NETLINK_END, NETLINK_REFUSED };

enum netlink_next
netlink_take_part(unsigned int sequence, const char *part, size_t len,
		  void (*take)(const struct nlmsghdr *message, void *context),
		  void *context);

/* Finds an attribute behind a message's fixed part of size bytes, or NULL. */
const struct rtattr *netlink_attribute(const struct nlmsghdr *message,
				       size_t size, unsigned short type);

#endif
