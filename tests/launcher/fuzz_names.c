/* SPDX-License-Identifier: MIT */
/*
 * fuzz_names.c - what a resolver prints is an answer, or isn't handed on
 *
 * An answer goes to the engine inside of a JSON string, unescaped.
 */
#include "names.h"
#include "plan.h"

#include "fuzz.h"

#include <fcntl.h>
#include <unistd.h>

static const char *const plan_names[] = {"vpn.test", "-b_.test", "a"};

/* Whether this is a name of the plan's, and addresses as far as can be seen. */
static void check(const char *line)
{
	const char *space = strchr(line, ' ');
	size_t i;

	if (strlen(line) >= NAMES_LINE_MAX || strpbrk(line, "\"\\\n"))
		abort();
	for (i = 0; space && i < sizeof(plan_names) / sizeof(*plan_names);
	     i++) {
		if (strlen(plan_names[i]) == (size_t)(space - line) &&
		    strncmp(plan_names[i], line, (size_t)(space - line)) == 0)
			return;
	}
	abort();
}

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size)
{
	static struct plan plan;
	struct names names;
	const char *line;
	int ends[2];

	/* A pipe holds no more without a reader. */
	if (size > 65536 || pipe2(ends, O_CLOEXEC | O_NONBLOCK) != 0)
		return 0;
	for (plan.names.count = 0; plan.names.count < 3;)
		if (!hostnames_add(&plan.names, plan_names[plan.names.count]))
			abort();
	names_prepare(&names, &plan, STDERR_FILENO);
	memset(names.line, 0xee, sizeof(names.line));
	names.answers = ends[0];
	if (size > 0 && write(ends[1], data, size) != (ssize_t)size)
		abort();
	close(ends[1]);
	while ((line = names_take(&names)))
		check(line);
	/* It has been read to its end, or given up. */
	if (names.answers >= 0)
		abort();
	return 0;
}

#ifndef WITH_LIBFUZZER
int main(int argc, char **argv)
{
	static const struct fuzz_seed seeds[] = {
		FUZZ_TEXT("vpn.test 192.0.2.1,2001:db8::1\n"
			  "-b_.test 192.0.2.3\na ::1\n"),
		FUZZ_TEXT("\n \nvpn.test \nvpn.test 1\nother.test 192.0.2.1\n"),
	};

	return fuzz_main(argc, argv, seeds, 2, "resolvers do no harm");
}
#endif
