/* SPDX-License-Identifier: MIT */
/*
 * fuzz_record.c - any text is a record or is refused
 *
 * Anybody with the user's uid can write one, a wrapped program included.
 */
#include "record.h"

#include "fuzz.h"

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size)
{
	/* Where records are found they have this room, and no more. */
	static struct record record;
	unsigned int i;

	if (size > RECORD_MAX)
		return 0;
	memset(&record, 0xee, sizeof(record));
	memcpy(record.text, data, size);
	record.text[size] = '\0';
	if (!record_parse(&record))
		return 0;
	if (record.pid <= 0 || record.netns == 0 ||
	    record.state >= RECORD_STATES ||
	    record.options.count > OPTIONS_MAX ||
	    strlen(record.tunnel) + strlen(record.config) +
			    strlen(record.stamp) >
		    size)
		abort();
	for (i = 0; i < record.options.count; i++) {
		if (!*record.options.list[i].name ||
		    strpbrk(record.options.list[i].value, "\n\x1b"))
			abort();
	}
	return 0;
}

#ifndef WITH_LIBFUZZER
int main(int argc, char **argv)
{
	static const struct fuzz_seed seeds[] = {
		FUZZ_TEXT("state connected\nengine 0000000017\n"
			  "restarts 0000000000\npid 42\nboot b\n"
			  "netns 4026532000\ntunnel work\n"
			  "config /home/ada/my work.conf\nstamp 1 2 3 4\n"
			  "linger 0\noption mtu 1300\noption dns \n"),
		FUZZ_TEXT("state failed___\npid 2147483647\nnetns 7\n"
			  "tunnel a\nconfig /b\nstamp 1 2 3 4\n"),
	};

	return fuzz_main(argc, argv, seeds, 2, "records do no harm");
}
#endif
