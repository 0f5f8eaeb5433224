/* SPDX-License-Identifier: MIT */
/*
 * fuzz_resolver.c - from any texts of the host's come ours
 *
 * The first line is the host's name, the rest is its nsswitch.conf and its hosts.
 */
#include "resolver.h"

#include "fuzz.h"

/* Whether a line of a text begins so. */
static int has_line(const char *text, const char *line)
{
	size_t len = strlen(line);

	while (text) {
		if (strncmp(text, line, len) == 0)
			return 1;
		text = strchr(text, '\n');
		text = text ? text + 1 : NULL;
	}
	return 0;
}

/* How many lines of a text are of the database "hosts". */
static int count_hosts(const char *text)
{
	int count = 0;

	for (; text; text = strchr(text, '\n')) {
		text += strspn(text, "\n");
		text += strspn(text, " \t\r\f\v");
		count += strncmp(text, "hosts", 5) == 0 && text[5] != '\0' &&
			 strchr(": \t\r\f\v", text[5]) != NULL;
	}
	return count;
}

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size)
{
	char *host = fuzz_copy(data, size, 1), *text = NULL, *rest;
	size_t len = 0;
	FILE *out = open_memstream(&text, &len);

	if (!out)
		abort();
	resolver_put_switch(out, host);
	fclose(out);
	if (!has_line(text, "hosts: files dns\n") || count_hosts(text) != 1)
		abort();
	free(text);
	text = NULL;
	out = open_memstream(&text, &len);
	if (!out)
		abort();
	rest = strchr(host, '\n');
	if (rest)
		*rest++ = '\0';
	/* A name as uname() gives it. */
	if (strlen(host) > 64)
		host[64] = '\0';
	resolver_put_hosts(out, rest ? rest : "", host);
	fclose(out);
	if (rest && strncmp(text, rest, strlen(rest)) != 0)
		abort();
	free(text);
	free(host);
	return 0;
}

#ifndef WITH_LIBFUZZER
int main(int argc, char **argv)
{
	static const struct fuzz_seed seeds[] = {
		FUZZ_TEXT("passwd: files systemd\nhosts: files mymachines "
			  "resolve [!UNAVAIL=return] dns\n# end"),
		FUZZ_TEXT("ada\n127.0.0.1 localhost\n127.0.1.1\tada.test ada # "
			  "x\n::1 ip6-localhost\nhosts\t files\n"),
	};

	return fuzz_main(argc, argv, seeds, 2, "texts about names do no harm");
}
#endif
