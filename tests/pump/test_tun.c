/* SPDX-License-Identifier: MIT */
/*
 * test_tun.c - when packets are read one by one, and when in rows
 *
 * A pair of SOCK_SEQPACKET sockets stands where the TUN is. Where io_uring is
 * not allowed there are no rows, and everything else is the same.
 *
 * Linked with: -Wl,--wrap=syscall
 */
#include "descriptors.h"
#include "state.h"

#include "../setup/test.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { SHORT = 60, LONG = 9000 };

/* How often a ring was entered, and with which errno that fails. */
static int rows, refusal;

long __real_syscall(long number, ...);
long __wrap_syscall(long number, ...);

long __wrap_syscall(long number, ...)
{
	long arguments[6];
	va_list list;
	int i;

	va_start(list, number);
	for (i = 0; i < 6; i++)
		arguments[i] = va_arg(list, long);
	va_end(list);
	if (number == SYS_io_uring_enter) {
		rows++;
		if (refusal != 0) {
			errno = refusal;
			return -1;
		}
	}
	return __real_syscall(number, arguments[0], arguments[1], arguments[2],
			      arguments[3], arguments[4], arguments[5]);
}

static struct pump pump;
static struct pump_activity activity;
static struct descriptors *body;
static int far_end;
static uint32_t written, expected;

static void open_body(uint32_t without)
{
	int ends[2];

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK, 0, ends) != 0)
		abort();
	far_end = ends[0];
	pump.activity = &activity;
	pump.config = (struct pump_config){
		.tun = ends[1], .udp4 = -1, .udp6 = -1, .without = without};
	body = descriptors_create(&pump);
	if (!body)
		abort();
	written = expected = 0;
	rows = refusal = 0;
	descriptors_begin_tx(body);
}

static void close_body(void)
{
	descriptors_end_tx(body);
	close(body->tun);
	close(far_end);
	descriptors_free(body);
}

static void write_packets(int count, size_t len)
{
	uint8_t packet[LONG] = {0};

	for (; count > 0; count--, written++) {
		memcpy(packet, &written, sizeof(written));
		if (write(far_end, packet, len) != (ssize_t)len)
			abort();
	}
}

/* How many packets a batch has; they are the next ones. */
static int read_batch(void)
{
	struct frame frames[BODY_FRAMES];
	int count = tun_read(body, frames), i;

	for (i = 0; i < count; i++, expected++)
		CHECK(frames[i].len >= SHORT &&
		      memcmp(frames[i].packet, &expected, sizeof(expected)) ==
			      0);
	return count;
}

static bool has_ring(void)
{
	return (activity.in_use & PUMP_USES_URING) != 0;
}

static void test_few(void)
{
	open_body(0);
	write_packets(BODY_FRAMES - 1, SHORT);
	CHECK(read_batch() == BODY_FRAMES - 1);
	CHECK(read_batch() == 0);
	CHECK(rows == 0);
	close_body();
}

static void test_many(void)
{
	open_body(0);
	write_packets(3 * BODY_FRAMES, SHORT);
	CHECK(read_batch() == BODY_FRAMES);
	CHECK(rows == 0);
	CHECK(read_batch() == BODY_FRAMES);
	CHECK(read_batch() == BODY_FRAMES);
	CHECK(rows == (has_ring() ? 2 : 0));
	close_body();
}

static void test_end_of_many(void)
{
	open_body(0);
	write_packets(BODY_FRAMES + 3, SHORT);
	CHECK(read_batch() == BODY_FRAMES);
	CHECK(read_batch() == 3);
	CHECK(rows == (has_ring() ? 1 : 0));
	write_packets(2, SHORT);
	CHECK(read_batch() == 2);
	CHECK(read_batch() == 0);
	CHECK(rows == (has_ring() ? 1 : 0));
	close_body();
}

static void test_long(void)
{
	open_body(0);
	write_packets(BODY_FRAMES, SHORT);
	CHECK(read_batch() == BODY_FRAMES);
	/* The row that is now expected has room for them all the same. */
	write_packets(10, LONG);
	CHECK(read_batch() == (has_ring() ? 10 : 8));
	write_packets(10, LONG);
	while (read_batch() > 0)
		;
	CHECK(expected == written);
	CHECK(rows == (has_ring() ? 1 : 0));
	close_body();
}

static void test_without(void)
{
	open_body(PUMP_WITHOUT_URING);
	CHECK(!has_ring());
	write_packets(2 * BODY_FRAMES, SHORT);
	CHECK(read_batch() == BODY_FRAMES);
	CHECK(read_batch() == BODY_FRAMES);
	CHECK(rows == 0);
	close_body();
}

static void test_refusal(void)
{
	bool had_ring;

	open_body(0);
	had_ring = has_ring();
	refusal = EACCES;
	write_packets(3 * BODY_FRAMES, SHORT);
	CHECK(read_batch() == BODY_FRAMES);
	CHECK(read_batch() == BODY_FRAMES);
	CHECK(read_batch() == BODY_FRAMES);
	CHECK(!has_ring());
	CHECK(rows == (had_ring ? 1 : 0));
	close_body();
}

int main(void)
{
	TEST("few packets are read one by one", test_few);
	TEST("after a whole batch, rows are read, in order", test_many);
	TEST("a row of few is the last one", test_end_of_many);
	TEST("long packets are not read in rows", test_long);
	TEST("a caller may want no rows", test_without);
	TEST("a ring that fails is given up, and loses nothing", test_refusal);
	return report();
}
