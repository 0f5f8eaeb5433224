/* SPDX-License-Identifier: MIT */
/*
 * fuzz_netlink.c - any rtnetlink message is read without harm
 *
 * An input is an answer to a look at a route, and a part of a list.
 */
#include "netlink.h"
#include "route.h"

#include "fuzz.h"

/* The number of the request that is answered. */
enum { SEQUENCE = 1 };

/* Reads all of what a caller may read. */
static void take(const struct nlmsghdr *message, void *context)
{
	static const unsigned short types[] = {RTA_DST, RTA_OIF, RTA_GATEWAY};
	volatile unsigned int *sum = context;
	const struct rtattr *attribute;
	size_t i, at;

	if (message->nlmsg_len < NLMSG_LENGTH(sizeof(struct rtmsg)))
		return;
	for (i = 0; i < sizeof(types) / sizeof(*types); i++) {
		attribute = netlink_attribute(message, sizeof(struct rtmsg),
					      types[i]);
		for (at = 0; attribute && at < RTA_PAYLOAD(attribute); at++)
			*sum += ((const unsigned char *)RTA_DATA(
				attribute))[at];
	}
}

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size)
{
	char *message = fuzz_copy(data, size, 0);
	volatile unsigned int sum = 0;
	struct route route;

	if (route_read((const void *)message, size, &route) &&
	    route.errnum == 0 && size < NLMSG_LENGTH(sizeof(struct rtmsg)))
		abort();
	if (size >= sizeof(struct nlmsghdr) &&
	    NLMSG_OK((const struct nlmsghdr *)message, size) &&
	    netlink_errnum((const void *)message) > 4095)
		abort();
	netlink_take_part(SEQUENCE, message, size, take, (void *)&sum);
	free(message);
	return 0;
}

#ifndef WITH_LIBFUZZER
int main(int argc, char **argv)
{
	static struct {
		struct nlmsghdr header;
		struct rtmsg route;
		struct rtattr oif;
		unsigned int ifindex;
		struct rtattr dst;
		unsigned char address[16];
		struct nlmsghdr end;
	} list = {
		.header = {sizeof(list) - sizeof(list.end), RTM_NEWROUTE, 0,
			   SEQUENCE, 0},
		.route = {.rtm_type = RTN_UNICAST},
		.oif = {RTA_LENGTH(sizeof(list.ifindex)), RTA_OIF},
		.dst = {RTA_LENGTH(sizeof(list.address)), RTA_DST},
		.end = {sizeof(list.end), NLMSG_DONE, 0, SEQUENCE, 0},
	};
	static const struct {
		struct nlmsghdr header;
		struct nlmsgerr result;
	} refusal = {
		.header = {sizeof(refusal), NLMSG_ERROR, 0, SEQUENCE, 0},
		.result = {.error = -101},
	};
	const struct fuzz_seed seeds[] = {{&list, sizeof(list)},
					  {&refusal, sizeof(refusal)}};

	return fuzz_main(argc, argv, seeds, 2, "messages do no harm");
}
#endif
