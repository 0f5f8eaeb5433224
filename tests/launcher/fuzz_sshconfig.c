/* SPDX-License-Identifier: MIT */
/*
 * fuzz_sshconfig.c - any configuration of ssh's is read without harm
 *
 * Patterns are followed below a directory of our own, as few as there are.
 */
#include "sshconfig.h"
#include "sshglob.h"

#include "fuzz.h"

#include <limits.h>
#include <unistd.h>

#define PLACE "/proc/self/task"

static void found_file(void *context, const char *path)
{
	(void)context;
	if (strncmp(path, PLACE "/", sizeof(PLACE)) != 0)
		abort();
}

/* Clean means that it can't lead out of a directory that it is put under. */
static void found_pattern(void *context, const char *pattern)
{
	unsigned int *count = context;
	char path[PATH_MAX + sizeof(PLACE)];
	const char *slash;

	if (pattern[0] != '/' || strlen(pattern) >= PATH_MAX)
		abort();
	for (slash = pattern; slash; slash = strchr(slash + 1, '/')) {
		size_t len = strcspn(slash + 1, "/");

		if (len == 0 || strncmp(slash + 1, "./", len + 1) == 0 ||
		    (len == 1 && slash[1] == '.') ||
		    (len == 2 && slash[1] == '.' && slash[2] == '.'))
			abort();
	}
	snprintf(path, sizeof(path), PLACE "%s", pattern);
	if (++*count <= 4)
		sshglob(path, found_file, NULL);
}

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size)
{
	char *text = fuzz_copy(data, size, 1), *first = NULL, *second = NULL;
	size_t first_len = 0, second_len = 0;
	unsigned int count = 0;
	FILE *out = open_memstream(&first, &first_len);
	int is_changed;

	if (!out)
		abort();
	sshconfig_includes(text, found_pattern, &count);
	is_changed = sshconfig_rewrite(text, out);
	fclose(out);
	if (!is_changed && strcmp(text, first) != 0)
		abort();
	/* What leads to our copies leads nowhere else a second time. */
	out = open_memstream(&second, &second_len);
	if (!out || sshconfig_rewrite(first, out))
		abort();
	fclose(out);
	if (first_len != second_len || memcmp(first, second, first_len) != 0)
		abort();
	free(second);
	free(first);
	free(text);
	return 0;
}

#ifndef WITH_LIBFUZZER
int main(int argc, char **argv)
{
	static const struct fuzz_seed seeds[] = {
		FUZZ_TEXT("Host *\n  Include /etc/ssh/ssh_config.d/*.conf\n"
			  "include = \"a b\" '../c' d\\ e # f\n"),
		FUZZ_TEXT("INCLUDE\t/usr/share/ssh/x ~/y %d/z ${HOME}/q\n"
			  "Include \"/opt/\\\"a\" /etc/../var/[ab]?\n"),
	};

	return fuzz_main(argc, argv, seeds, 2,
			 "configurations of ssh's do no harm");
}
#endif
