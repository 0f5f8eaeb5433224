/* SPDX-License-Identifier: MIT */
/*
 * end.c - one end of a tunnel with fixed keys: a TUN, a socket and the pump
 *
 * Usage: end SIDE PEER-ADDRESS [WITHOUT]. SIDE is 0 or 1. It makes the device
 * wg0 in its network namespace, listens on port 51820, and runs until its
 * standard input ends; then it prints what was in use and what was counted.
 * There is no handshake: this measures the pump alone.
 */
#include "pump.h"

#include <arpa/inet.h>
#include <dlfcn.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

enum { PORT = 51820, MTU = 1420 };

static void fail(const char *what)
{
	perror(what);
	exit(EXIT_FAILURE);
}

static int make_tun(void)
{
	int fd = open("/dev/net/tun", O_RDWR | O_CLOEXEC | O_NONBLOCK);
	struct ifreq request = {.ifr_name = "wg0"};
	int header = 10;

	request.ifr_flags = IFF_TUN | IFF_NO_PI | IFF_VNET_HDR;
	if (fd < 0 || ioctl(fd, TUNSETIFF, &request) != 0 ||
	    ioctl(fd, TUNSETVNETHDRSZ, &header) != 0)
		fail("/dev/net/tun");
	return fd;
}

static int make_socket(void)
{
	struct sockaddr_in address = {.sin_family = AF_INET,
				      .sin_port = htons(PORT)};
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (fd < 0 ||
	    bind(fd, (struct sockaddr *)&address, sizeof(address)) != 0)
		fail("udp");
	return fd;
}

static void configure(struct pump *pump, unsigned int side, const char *peer)
{
	struct pump_endpoint endpoint = {.family = 4, .port = PORT};
	struct pump_prefix all = {.family = 4};
	struct pump_keypair keypair = {.local_index = 1000 + side,
				       .remote_index = 1001 - side};
	struct timespec now;

	clock_gettime(CLOCK_BOOTTIME, &now);
	keypair.birth_ms = (uint64_t)now.tv_sec * 1000;
	memset(keypair.send_key, side ? 1 : 2, PUMP_KEY_BYTES);
	memset(keypair.receive_key, side ? 2 : 1, PUMP_KEY_BYTES);
	if (inet_pton(AF_INET, peer, endpoint.remote) != 1 ||
	    pump_peer_endpoint(pump, 0, &endpoint) != 0 ||
	    pump_set_allowed_ips(pump, &all, 1) != 0 ||
	    pump_install(pump, &keypair) != 0 ||
	    pump_promote(pump, keypair.local_index) != 0)
		fail("configure");
}

static void print(const struct pump_activity *activity, unsigned long in_use)
{
	struct rusage usage;
	int i;

	getrusage(RUSAGE_SELF, &usage);
	printf("cpu %.2f s, in use %#lx, max rss %ld KB, tx %lu rx %lu, super "
	       "%lu groups "
	       "%lu gro %lu coalesced %lu, datagrams %lu %lu\n",
	       (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
		       (double)(usage.ru_utime.tv_usec +
				usage.ru_stime.tv_usec) /
			       1e6,
	       in_use, usage.ru_maxrss, activity->peers[0].tx_packets,
	       activity->peers[0].rx_packets, activity->tun_super_packets,
	       activity->udp_groups, activity->udp_gro, activity->tun_coalesced,
	       activity->udp_datagrams_sent, activity->udp_datagrams_received);
	for (i = 0; i < PUMP_DROPS; i++)
		if (activity->drops[i])
			printf("drop %d: %lu\n", i, activity->drops[i]);
	for (i = 0; i < PUMP_ERRNOS; i++)
		if (activity->tun_write_errors[i] |
		    activity->udp_send_errors[i] |
		    activity->udp_receive_errors[i])
			printf("errno %d: tun %lu, send %lu, receive %lu\n", i,
			       activity->tun_write_errors[i],
			       activity->udp_send_errors[i],
			       activity->udp_receive_errors[i]);
}

int main(int argc, char **argv)
{
	struct pump_config config = {.bytes = sizeof(config),
				     .udp6 = -1,
				     .vnet_header_bytes = 10,
				     .mtu = MTU,
				     .peers_max = 1};
	uint32_t size = sizeof(struct pump_activity) +
			sizeof(struct pump_peer_activity);
	struct pump_activity *activity = calloc(1, size);
	unsigned long in_use;
	struct pump *pump;
	int32_t failure;
	char byte;

	if (argc < 3 || !activity ||
	    !dlopen("libcrypto.so.3", RTLD_NOW | RTLD_GLOBAL))
		return EXIT_FAILURE;
	config.without = argc > 3 ? (uint32_t)atoi(argv[3]) : 0;
	config.tun = make_tun();
	config.udp4 = make_socket();
	pump = pump_open(&config, activity, size, &failure);
	if (!pump) {
		fprintf(stderr, "pump_open: %s\n", strerror(failure));
		return EXIT_FAILURE;
	}
	configure(pump, (unsigned int)atoi(argv[1]), argv[2]);
	if (pump_start(pump) != 0)
		fail("pump_start");
	puts("ready");
	fflush(stdout);
	while (read(STDIN_FILENO, &byte, 1) > 0)
		;
	in_use = activity->in_use;
	pump_stop(pump);
	print(activity, in_use);
	pump_close(pump);
	return EXIT_SUCCESS;
}
