/* SPDX-License-Identifier: MIT */
/*
 * reference.h - the same things as in pump/, slow and obvious
 */
#ifndef WG_WRAP_TEST_REFERENCE_H
#define WG_WRAP_TEST_REFERENCE_H

#include <stddef.h>
#include <stdint.h>

/* Packets, in order. */
struct packets {
	int count;
	struct {
		uint8_t *bytes;
		uint32_t len;
	} list[4096];
};

void packets_add(struct packets *packets, const uint8_t *bytes, uint32_t len);
void packets_clear(struct packets *packets);

uint16_t reference_checksum(const uint8_t *bytes, size_t len);
uint16_t reference_transport_checksum(const uint8_t *packet, size_t len,
				      size_t transport);

/* Cuts what has a virtio_net_hdr of 10 bytes; -1 if that can't be. */
int reference_cut(const uint8_t *frame, uint32_t len, struct packets *out);

/* RFC 8439 2.4 and 2.5, with the arguments of OpenSSL's functions. One state. */
void reference_chacha20(uint8_t *out, const uint8_t *in, size_t len,
			const uint32_t key[8], const uint32_t counter[4]);
size_t reference_poly1305_bytes(void);
void reference_poly1305_begin(void *state, const uint8_t key[32]);
void reference_poly1305_add(void *state, const uint8_t *bytes, size_t len);
void reference_poly1305_finish(void *state, uint8_t tag[16]);

/* RFC 8439 2.8; tag behind the ciphertext. */
void reference_seal(const uint8_t key[32], const uint8_t nonce[12],
		    const uint8_t *aad, size_t aad_len, const uint8_t *text,
		    size_t len, uint8_t *out);

#endif
