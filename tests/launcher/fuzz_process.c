/* SPDX-License-Identifier: MIT */
/*
 * fuzz_process.c - any text about a process is read without harm
 *
 * The name in it is the process's own choice.
 */
#include "process.h"

#include "fuzz.h"

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size)
{
	char *stat = fuzz_copy(data, size, 1), *honest;
	size_t len = strlen(stat);

	if (process_parse_parent(stat) < 0)
		abort();
	/* Whatever the name is, what the kernel adds to it counts. */
	honest = malloc(len + 64);
	if (!honest)
		abort();
	snprintf(honest, len + 64, "42 (%s) S 17 42 42 0 -1", stat);
	if (process_parse_parent(honest) != 17)
		abort();
	free(honest);
	free(stat);
	return 0;
}

#ifndef WITH_LIBFUZZER
int main(int argc, char **argv)
{
	static const struct fuzz_seed seeds[] = {
		FUZZ_TEXT("42 (sh) S 17 42 42 0 -1 4194304 1 0"),
		FUZZ_TEXT("42 (a) R 1 (b) S 2147483647 0"),
	};

	return fuzz_main(argc, argv, seeds, 2, "processes do no harm");
}
#endif
