/* SPDX-License-Identifier: MIT */
/* checksum.h - the Internet checksum, RFC 1071 */
#ifndef WG_WRAP_PUMP_CHECKSUM_H
#define WG_WRAP_PUMP_CHECKSUM_H

#include <stddef.h>
#include <stdint.h>

uint64_t checksum_add(uint64_t sum, const void *data, size_t len);
uint64_t checksum_add16(uint64_t sum, uint32_t value);
uint16_t checksum_fold(uint64_t sum);
void checksum_store(uint8_t *field, uint16_t folded);
uint64_t checksum_pseudo(const uint8_t *ip, uint32_t protocol, uint32_t len);
void checksum_ipv4(uint8_t *header, uint32_t len);

#endif
