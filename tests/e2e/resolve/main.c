/* SPDX-License-Identifier: MIT */
/*
 * main.c - a static program that resolves one name, as its C library does
 *
 * musl has no name-service modules: it reads /etc/resolv.conf and asks all
 * servers itself.
 */
#include <arpa/inet.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <sys/socket.h>

int main(int argc, char **argv)
{
	struct addrinfo hints = {.ai_family = AF_INET,
				 .ai_socktype = SOCK_STREAM};
	struct addrinfo *found;
	char text[INET_ADDRSTRLEN];

	if (argc < 2 || getaddrinfo(argv[1], NULL, &hints, &found) != 0)
		return 1;
	inet_ntop(AF_INET,
		  &((const struct sockaddr_in *)(const void *)found->ai_addr)
			   ->sin_addr,
		  text, sizeof(text));
	puts(text);
	return 0;
}
