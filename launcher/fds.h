/* SPDX-License-Identifier: MIT */
/* fds.h - descriptors as other processes expect them */
#ifndef WG_WRAP_FDS_H
#define WG_WRAP_FDS_H

#include <stddef.h>
#include <sys/types.h>

/* At most this many descriptors travel in one message. */
enum { FDS_PER_MESSAGE = 8 };

int fds_send(int socket, const void *data, size_t len, const int *fds,
	     unsigned int count);
ssize_t fds_receive(int socket, void *data, size_t size, int *fds,
		    unsigned int *count);
void fds_place(const int *sources, unsigned int count);
void fds_close_from(unsigned int first);
int fds_dev_null(void);

#endif
