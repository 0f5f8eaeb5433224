/* SPDX-License-Identifier: MIT */
/*
 * program.h - what the small programs of the data-path benchmark share
 *
 * They say "ready" on stdout when others may begin, end with their input where
 * they would not end by themselves, and print numbers. Any failure ends them:
 * half a measurement is none.
 */
#ifndef WG_WRAP_BENCH_PROGRAM_H
#define WG_WRAP_BENCH_PROGRAM_H

#include <arpa/inet.h>
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { NS_PER_MS = 1000000, NS_PER_S = 1000000000 };

/**
 * fail() - Say what can't be done, with errno, and exit
 * @what:	What
 */
static inline _Noreturn void fail(const char *what)
{
	fprintf(stderr, "%s: %s\n", what, strerror(errno));
	exit(1);
}

/**
 * now() - Nanoseconds of CLOCK_MONOTONIC
 */
static inline uint64_t now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return (uint64_t)time.tv_sec * NS_PER_S + (uint64_t)time.tv_nsec;
}

/**
 * say_ready() - Say that others may begin
 */
static inline void say_ready(void)
{
	puts("ready");
	fflush(stdout);
}

/**
 * parse_number() - Read an argument
 * @text:	Decimal number above 0
 */
static inline uint32_t parse_number(const char *text)
{
	char *end;
	unsigned long value = strtoul(text, &end, 10);

	if (*end != '\0' || value == 0 || value > UINT32_MAX) {
		errno = EINVAL;
		fail(text);
	}
	return (uint32_t)value;
}

/**
 * parse_address() - Read an address and a port
 * @address:	IPv4 address
 * @port:	Port
 */
static inline struct sockaddr_in parse_address(const char *address,
					       const char *port)
{
	struct sockaddr_in result = {.sin_family = AF_INET};

	result.sin_port = htons((uint16_t)parse_number(port));
	if (inet_pton(AF_INET, address, &result.sin_addr) != 1) {
		errno = EINVAL;
		fail(address);
	}
	return result;
}

#endif
