/* SPDX-License-Identifier: MIT */
/* test_engine.c - how an engine is started again */
#include "engine.h"

#include "../setup/test.h"

#include <sys/resource.h>

static void test_pauses(void)
{
	const struct engine_program program = {0};
	const struct engine_fds fds = {0};
	struct rlimit before, none;
	struct engine engine;

	engine_prepare(&engine);
	CHECK(getrlimit(RLIMIT_NOFILE, &before) == 0);
	none = before;
	none.rlim_cur = 0;
	CHECK(setrlimit(RLIMIT_NOFILE, &none) == 0);
	/* It started at 0 and lived for long. */
	CHECK(engine_ended(&engine, 100000) == 50);
	CHECK(!engine_start(&engine, &program, &fds, 100050));
	CHECK(engine_ended(&engine, 100050) == 100);
	CHECK(!engine_start(&engine, &program, &fds, 100150));
	CHECK(engine_ended(&engine, 100150) == 200);
	CHECK(setrlimit(RLIMIT_NOFILE, &before) == 0);
}

int main(void)
{
	TEST("pauses grow while the kernel is short of what a start needs",
	     test_pauses);
	return report();
}
