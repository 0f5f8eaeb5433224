/* SPDX-License-Identifier: MIT */
/*
 * test_threads.c - two pumps with threads, over loopback
 *
 *	this test ── socketpair ── pump A ── UDP ── pump B ── socketpair ── this test
 *
 * Meanwhile keypairs come and go.
 */
#include "live.h"

#include "../setup/test.h"

#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>

enum {
	PACKET_BYTES = 200,
	/* Packets under way: fewer than any buffer between has room for. */
	WINDOW = 64,
	/* For what takes milliseconds. */
	DEADLINE_MS = 60000,
};

static struct live live[2];
static uint64_t birth;
static uint32_t generation;
/* What stands before a packet, on the way to and from the pump. */
static uint32_t vnet_bytes = 10;
/* Beside each of tx and rx. */
static uint32_t workers;
/* Of the packets written. */
static uint32_t source = 0x0a000001, destination = 0x0a000002;

static void open_both(uint32_t without)
{
	unsigned int side;

	for (side = 0; side < 2; side++) {
		live_open(&live[side], side, vnet_bytes, without, workers);
		if (pump_start(live[side].end.pump) != 0)
			fail("pump_start");
	}
	pump_peer_endpoint(live[0].end.pump, 0, &live[1].place);
	pump_peer_endpoint(live[1].end.pump, 0, &live[0].place);
	birth = now_ms();
	generation = 0;
}

static void close_both(void)
{
	int side;

	for (side = 0; side < 2; side++) {
		CHECK(pump_stop(live[side].end.pump) == 0);
		live_close(&live[side]);
	}
}

/* A new generation of keys: accepted by both before either sends on them. */
static void rekey(void)
{
	int side;

	generation++;
	for (side = 0; side < 2; side++)
		end_install_at(&live[side].end, 0, generation, false, birth);
	for (side = 0; side < 2; side++)
		CHECK(pump_promote(live[side].end.pump,
				   end_index((unsigned int)side, generation)) ==
		      0);
}

static void forget(uint32_t old)
{
	int side;

	for (side = 0; side < 2; side++)
		CHECK(pump_remove(live[side].end.pump,
				  end_index((unsigned int)side, old)) == 0);
}

/* One packet with a number in it. False if there is no room. */
static bool write_packet(int side, uint32_t number)
{
	uint8_t frame[10 + PACKET_BYTES] = {0}, *packet = frame + 10;
	ssize_t written;

	/* Whole, without flags: the number lies behind IPv4 and UDP. */
	packet[0] = 0x45;
	store16(packet + 2, PACKET_BYTES);
	packet[9] = 17;
	store32(packet + 12, source);
	store32(packet + 16, destination);
	store32(packet + 28, number);
	written = write(live[side].tun[0], packet - vnet_bytes,
			vnet_bytes + PACKET_BYTES);
	if (written < 0 && errno != EAGAIN)
		fail("write");
	return written > 0;
}

/* The number of the next packet, or -1 if the deadline is over. */
static int64_t read_packet(int side)
{
	struct pollfd poll_fd = {.fd = live[side].tun[0], .events = POLLIN};
	uint8_t frame[4096];
	ssize_t len;

	if (poll(&poll_fd, 1, DEADLINE_MS) != 1)
		return -1;
	len = read(live[side].tun[0], frame, sizeof(frame));
	if (len != (ssize_t)vnet_bytes + PACKET_BYTES)
		fail("a packet of a wrong length");
	return load32(frame + vnet_bytes + 28);
}

/* Packets from A to B, with something done every so often; all arrive. */
static void pass(uint32_t count, uint32_t every, void (*meanwhile)(void))
{
	uint32_t sent = 0, received = 0, wrong = 0;
	int64_t number;

	while (received < count) {
		while (sent < count && sent - received < WINDOW &&
		       write_packet(0, sent)) {
			sent++;
			if (every && sent % every == 0)
				meanwhile();
		}
		number = read_packet(1);
		if (number < 0)
			break;
		wrong += number != received;
		received++;
	}
	CHECK(received == count);
	CHECK(wrong == 0);
}

static void test_traffic(void)
{
	open_both(0);
	rekey();
	pass(5000, 0, NULL);
	CHECK(live[1].end.activity->peers[0].rx_packets == 5000);
	close_both();
}

static void test_fallbacks(void)
{
	open_both(PUMP_WITHOUT_OFFLOAD | PUMP_WITHOUT_SEGMENT |
		  PUMP_WITHOUT_GRO | PUMP_WITHOUT_URING);
	CHECK(live[0].end.activity->in_use == PUMP_RUNS);
	rekey();
	pass(2000, 0, NULL);
	close_both();
}

/* As the way out does that can't compute checksums, or not for groups. */
static atomic_bool refuses_groups;

static bool is_group(const struct msghdr *header)
{
	struct cmsghdr *control;

	for (control = CMSG_FIRSTHDR(header); control;
	     control = CMSG_NXTHDR((struct msghdr *)header, control))
		if (control->cmsg_level == IPPROTO_UDP &&
		    control->cmsg_type == 103)
			return true;
	return false;
}

/* In place of the C library's. */
int sendmmsg(int fd, struct mmsghdr *messages, unsigned int count, int flags)
{
	unsigned int i;

	for (i = 0; i < count && atomic_load(&refuses_groups); i++)
		if (is_group(&messages[i].msg_hdr))
			break;
	if (i > 0 || !atomic_load(&refuses_groups) ||
	    !is_group(&messages[0].msg_hdr))
		return (int)syscall(SYS_sendmmsg, fd, messages,
				    i > 0 ? i : count, flags);
	errno = EIO;
	return -1;
}

/* Packets that are read together, and so sent in groups if that is possible. */
static void pass_together(void)
{
	uint32_t number;

	CHECK(pump_stop(live[0].end.pump) == 0);
	for (number = 0; number < WINDOW / 2; number++)
		CHECK(write_packet(0, number));
	CHECK(pump_start(live[0].end.pump) == 0);
	for (number = 0; number < WINDOW / 2; number++)
		CHECK(read_packet(1) == number);
}

static void restart(void)
{
	CHECK(pump_stop(live[0].end.pump) == 0);
	CHECK(pump_start(live[0].end.pump) == 0);
}

/* A word that a thread writes meanwhile. */
static uint64_t read_word(const uint64_t *word)
{
	return __atomic_load_n(word, __ATOMIC_RELAXED);
}

static void test_refused_groups(void)
{
	const struct pump_activity *activity;
	uint64_t groups;

	open_both(0);
	activity = live[0].end.activity;
	rekey();
	pass_together();
	CHECK(read_word(&activity->udp_groups) > 0);
	CHECK(read_word(&activity->in_use) & PUMP_USES_SEGMENT4);
	atomic_store(&refuses_groups, true);
	pass_together();
	CHECK(!(read_word(&activity->in_use) & PUMP_USES_SEGMENT4));
	/* Another family has another way out. */
	CHECK(read_word(&activity->in_use) & PUMP_USES_SEGMENT6);
	groups = read_word(&activity->udp_groups);
	pass(500, 0, NULL);
	CHECK(read_word(&activity->udp_groups) == groups);
	CHECK(read_word(&activity->udp_send_errors[EIO]) == 0);
	atomic_store(&refuses_groups, false);
	/* With new sockets, or a new start, it is tried again. */
	restart();
	CHECK(read_word(&activity->in_use) & PUMP_USES_SEGMENT4);
	close_both();
}

/* As a container does: the call exists, and isn't allowed. */
static void forbid_uring(void)
{
	struct sock_filter filter[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
			 offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_io_uring_setup, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog program = {.len = 4, .filter = filter};

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 ||
	    prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) != 0)
		fail("seccomp");
}

/* As who had the sockets before may have left them. */
static void test_class_left(void)
{
	int class = 0x88;
	socklen_t len = sizeof(class);

	open_both(0);
	CHECK(pump_stop(live[0].end.pump) == 0);
	CHECK(setsockopt(live[0].udp, IPPROTO_IP, IP_TOS, &class, len) == 0);
	CHECK(setsockopt(live[0].udp6, IPPROTO_IPV6, IPV6_TCLASS, &class,
			 len) == 0);
	CHECK(pump_start(live[0].end.pump) == 0);
	CHECK(getsockopt(live[0].udp, IPPROTO_IP, IP_TOS, &class, &len) == 0 &&
	      class == 0);
	class = -1;
	CHECK(getsockopt(live[0].udp6, IPPROTO_IPV6, IPV6_TCLASS, &class,
			 &len) == 0 &&
	      class == 0);
	close_both();
}

static void pass_without_uring(const void *unused)
{
	(void)unused;
	forbid_uring();
	open_both(0);
	rekey();
	pass(500, 0, NULL);
	CHECK(!(read_word(&live[0].end.activity->in_use) & PUMP_USES_URING));
	close_both();
	_exit(failures_in_test == 0 ? 7 : 0);
}

static void test_forbidden_uring(void)
{
	char output[4096];

	CHECK(run_apart(pass_without_uring, NULL, output, sizeof(output)) == 7);
	CHECK_TEXT(output, "");
}

static void test_no_header(void)
{
	vnet_bytes = 0;
	open_both(0);
	CHECK(!(live[0].end.activity->in_use & PUMP_USES_TSO));
	rekey();
	pass(2000, 0, NULL);
	close_both();
	vnet_bytes = 10;
}

static void rekey_and_forget(void)
{
	rekey();
	/* The three that a peer may have. */
	if (generation > 3)
		forget(generation - 3);
}

static void test_rekey(void)
{
	open_both(0);
	rekey();
	pass(5000, 50, rekey_and_forget);
	CHECK(generation > 100);
	close_both();
}

/* Whatever is lost, nothing that was freed is touched. */
static void test_removal(void)
{
	struct pump_prefix all = {.family = 4};
	uint64_t end_at = now_ms() + 500;
	uint8_t buffer[PUMP_TAKE_BYTES];
	struct pollfd poll_fd;
	uint32_t number = 0;

	open_both(0);
	poll_fd = (struct pollfd){.fd = live[1].tun[0], .events = POLLIN};
	while (now_ms() < end_at) {
		rekey();
		while (number++ % 50 != 0)
			write_packet(0, number);
		pump_set_allowed_ips(live[0].end.pump, &all, 1);
		forget(generation);
		while (poll(&poll_fd, 1, 0) == 1)
			(void)!read(live[1].tun[0], buffer, sizeof(buffer));
		while (pump_take(live[0].end.pump, buffer, sizeof(buffer)) > 0)
			;
	}
	CHECK(generation > 10);
	/* And it still works. */
	rekey();
	while (poll(&poll_fd, 1, 100) == 1)
		(void)!read(live[1].tun[0], buffer, sizeof(buffer));
	pass(200, 0, NULL);
	pump_peer_remove(live[0].end.pump, 0);
	pump_peer_remove(live[1].end.pump, 0);
	close_both();
}

/* Odd numbers go to another peer, whose endpoint is of the other family. */
static void test_families(void)
{
	struct pump_prefix prefixes[] = {
		{.family = 4, .peer = 0},
		{.family = 4,
		 .length = 32,
		 .peer = 1,
		 .address = {10, 0, 0, 3}},
	};
	uint32_t number, seen[2] = {0, 0};
	int64_t got;

	open_both(0);
	rekey();
	generation++;
	for (number = 0; number < 2; number++) {
		end_install_at(&live[number].end, 1, generation, false, birth);
		pump_promote(live[number].end.pump,
			     end_index(number, generation));
	}
	/* B finds the source of both with its first peer: so it has two. */
	prefixes[1].address[3] = 9;
	pump_set_allowed_ips(live[1].end.pump, prefixes, 2);
	prefixes[1].address[3] = 3;
	pump_set_allowed_ips(live[0].end.pump, prefixes, 2);
	pump_peer_endpoint(live[0].end.pump, 1, &live[1].place6);
	/* So that they are read, and sent, together. */
	CHECK(pump_stop(live[0].end.pump) == 0);
	for (number = 0; number < WINDOW; number++) {
		source = number % 2 ? 0x0a000009 : 0x0a000001;
		destination = number % 2 ? 0x0a000003 : 0x0a000002;
		CHECK(write_packet(0, number));
	}
	CHECK(pump_start(live[0].end.pump) == 0);
	source = 0x0a000001;
	destination = 0x0a000002;
	for (number = 0; number < WINDOW; number++) {
		got = read_packet(1);
		CHECK(got >= 0 && got / 2 == seen[got % 2]++);
	}
	CHECK(live[1].end.activity->peers[1].rx_packets == WINDOW / 2);
	close_both();
}

static void test_restart(void)
{
	open_both(0);
	rekey();
	pass(1000, 50, restart);
	CHECK(pump_start(live[0].end.pump) == -EALREADY);
	close_both();
}

/* What the core sends while nothing comes from the TUN. */
static void test_down(void)
{
	uint8_t packet[PACKET_BYTES] = {0x45};
	int i;

	open_both(0);
	rekey();
	store16(packet + 2, PACKET_BYTES);
	store32(packet + 12, 0x0a000001);
	store32(packet + 16, 0x0a000002);
	for (i = 0; i < 50; i++) {
		store32(packet + 28, (uint32_t)i);
		CHECK(pump_send(live[0].end.pump, 0, packet, PACKET_BYTES) ==
		      0);
		CHECK(read_packet(1) == i);
	}
	close_both();
}

/* The reader of messages is woken by a byte, each time it had found none. */
static void test_wake(void)
{
	struct pollfd poll_fd;
	uint8_t initiation[148] = {1}, buffer[PUMP_TAKE_BYTES];
	const struct pump_message *message = (struct pump_message *)buffer;
	int i, len;

	open_both(0);
	poll_fd = (struct pollfd){.fd = pump_wake_fd(live[1].end.pump),
				  .events = POLLIN};
	for (i = 0; i < 200; i++) {
		CHECK(pump_datagram(live[0].end.pump, &live[1].place, 0x88,
				    initiation, sizeof(initiation)) == 0);
		CHECK(poll(&poll_fd, 1, DEADLINE_MS) == 1);
		CHECK(read(poll_fd.fd, buffer, 1) == 1);
		len = pump_take(live[1].end.pump, buffer, sizeof(buffer));
		CHECK(len > 0 && message->kind == PUMP_HANDSHAKE &&
		      message->from.port == live[0].place.port &&
		      message->from.has_local == 1);
		CHECK(pump_take(live[1].end.pump, buffer, sizeof(buffer)) == 0);
	}
	CHECK(poll(&poll_fd, 1, 0) == 0);
	close_both();
}

static void test_gone(void)
{
	struct pollfd poll_fd;
	uint8_t buffer[PUMP_TAKE_BYTES];
	const struct pump_message *message = (struct pump_message *)buffer;

	open_both(0);
	poll_fd = (struct pollfd){.fd = pump_wake_fd(live[0].end.pump),
				  .events = POLLIN};
	shutdown(live[0].tun[0], SHUT_RDWR);
	CHECK(poll(&poll_fd, 1, DEADLINE_MS) == 1);
	CHECK(pump_take(live[0].end.pump, buffer, sizeof(buffer)) > 0);
	CHECK(message->kind == PUMP_GONE);
	close_both();
}

/*
 * However many packets wait for a reader that is busy. These are so short that
 * not even a message without a payload finds room behind them.
 */
static void test_gone_behind_many(void)
{
	const uint64_t *full;
	uint8_t buffer[PUMP_TAKE_BYTES];
	const struct pump_message *message;
	uint32_t gone = 0;
	uint64_t before;
	int len, at, i;

	open_both(0);
	full = &live[0].end.activity->drops[PUMP_PACKETS_FULL];
	/* Without a keypair they all come up again. */
	while (read_word(full) == 0)
		pump_send(live[0].end.pump, 0, "", 1);
	shutdown(live[0].tun[0], SHUT_RDWR);
	/* What is sent down is done before the TUN is read, each time. */
	for (i = 0; i < 20; i++) {
		before = read_word(full);
		while (pump_send(live[0].end.pump, 0, "", 1) != 0 ||
		       read_word(full) == before)
			sched_yield();
	}
	while ((len = pump_take(live[0].end.pump, buffer, sizeof(buffer))) > 0)
		for (at = 0; at < len; at += (int)message->bytes) {
			message = (struct pump_message *)(buffer + at);
			gone += message->kind == PUMP_GONE;
		}
	CHECK(gone == 1);
	close_both();
}

static void test_refused(void)
{
	struct pump_config config = {
		.bytes = sizeof(config), .mtu = 1420, .peers_max = 1};
	uint64_t *activity = calloc(1, 8192);
	int32_t failure = 0;

	config.peers_max = 1 << 17;
	CHECK(!pump_open(&config, activity, 8192, &failure) &&
	      failure == EINVAL);
	config.peers_max = 12;
	CHECK(!pump_open(&config, activity, 8192, &failure) &&
	      failure == EINVAL);
	config.peers_max = 1;
	config.vnet_header_bytes = 11;
	CHECK(!pump_open(&config, activity, 8192, &failure) &&
	      failure == EINVAL);
	config.vnet_header_bytes = 10;
	config.workers = PUMP_WORKERS_MAX + 1;
	CHECK(!pump_open(&config, activity, 8192, &failure) &&
	      failure == EINVAL);
	config.workers = 0;
	config.bytes--;
	CHECK(!pump_open(&config, activity, 8192, &failure) &&
	      failure == EINVAL);
	free(activity);
}

/* All that the cipher needs happens beside tx and rx, while keys come and go. */
static void test_workers(void)
{
	workers = 3;
	test_traffic();
	test_rekey();
	test_removal();
	test_restart();
	workers = 0;
}

int main(void)
{
	if (!load_openssl())
		return EXIT_FAILURE;
	TEST("packets pass in order, without loss", test_traffic);
	TEST("packets pass where the kernel can do nothing", test_fallbacks);
	TEST("groups that the way out refuses go singly, and are not tried "
	     "again",
	     test_refused_groups);
	TEST("packets pass where io_uring is forbidden", test_forbidden_uring);
	TEST("packets pass through a TUN without a virtio_net_hdr",
	     test_no_header);
	TEST("a class that was left on the sockets is taken off",
	     test_class_left);
	TEST("rekeys under traffic lose nothing", test_rekey);
	TEST("keypairs and tables may go while they are in use", test_removal);
	TEST("peers over both families are served at once", test_families);
	TEST("a stop and a start lose nothing that waits", test_restart);
	TEST("what the core sends goes at once", test_down);
	TEST("each first message wakes its reader", test_wake);
	TEST("a TUN that is gone is told", test_gone);
	TEST("that is told, too, where nothing else finds room",
	     test_gone_behind_many);
	TEST("all of that holds with workers", test_workers);
	TEST("a config or a block that doesn't fit is refused", test_refused);
	return report();
}
