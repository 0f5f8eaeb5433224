/* SPDX-License-Identifier: MIT */
/*
 * fuzz_buses.c - any address of a bus is read without harm
 *
 * It is the environment's, and what it names is covered.
 */
#include "buses.h"

#include "fuzz.h"

#include <limits.h>

static int visits;

static void visit(const char *path)
{
	if (strlen(path) >= PATH_MAX)
		abort();
	visits++;
}

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size)
{
	char *address = fuzz_copy(data, size, 1);

	visits = 0;
	if (buses_each_path(address, visit) != visits ||
	    buses_each_path(address, NULL) != visits)
		abort();
	free(address);
	return 0;
}

#ifndef WITH_LIBFUZZER
int main(int argc, char **argv)
{
	static const struct fuzz_seed seeds[] = {
		FUZZ_TEXT("unix:path=/run/user/1000/bus,guid=0123;"
			  "unix:abstract=/tmp/a,path=/b%20c;tcp:host=a"),
		FUZZ_TEXT("unix:guid=1,path=%2frun%2Fbus;unix:path=%"),
	};

	return fuzz_main(argc, argv, seeds, 2, "addresses do no harm");
}
#endif
