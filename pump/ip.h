/* SPDX-License-Identifier: MIT */
/* ip.h - what is read, and in one case changes, in inner IP headers */
#ifndef WG_WRAP_PUMP_IP_H
#define WG_WRAP_PUMP_IP_H

#include <stdint.h>

uint32_t ip_version(const uint8_t *packet, uint32_t len);
uint32_t ip_header_bytes(uint32_t version);
uint32_t ip_claimed_length(const uint8_t *packet);
const uint8_t *ip_source(const uint8_t *packet);
const uint8_t *ip_destination(const uint8_t *packet);
uint8_t ip_outer_ecn(const uint8_t *packet, uint32_t len);
void ip_apply_outer_ecn(uint8_t *packet, uint8_t outer);
uint32_t ip_padding(uint32_t len, uint32_t mtu);

#endif
