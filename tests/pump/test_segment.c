/* SPDX-License-Identifier: MIT */
/* test_segment.c - what is special about cutting a super-packet */
#include "end.h"
#include "reference.h"
#include "segment.h"

#include "../setup/test.h"

enum { SIZE = 1000, PAYLOAD = 3 * SIZE + 7 };

/*
 * As of a socket with IPV6_RTHDR or IP_OPTIONS: the header has the next hop, the
 * sum in the field is that of the last one.
 */
static void check_source_route(const struct flow *like)
{
	static uint8_t frame[10 + PAYLOAD + 200], segment[2 * SIZE];
	struct flow flow = *like;
	uint32_t transport = flow.is_v6 ? 40 : 20, len, count = 0;
	uint32_t last_hop = flow.is_v6 ? 39 : 19;
	struct segmenter segmenter;
	struct vnet_header vnet;
	uint8_t destination;

	len = make_frame(&flow, frame, PAYLOAD, SIZE);
	memcpy(&vnet, frame, 10);
	destination = frame[10 + last_hop];
	frame[10 + last_hop] = 77;
	CHECK(segment_begin(&segmenter, &vnet, frame + 10, len - 10) == 0);
	while ((len = segment_length(&segmenter)) != 0) {
		segment_next(&segmenter, segment);
		CHECK(segment[last_hop] == 77);
		segment[last_hop] = destination;
		CHECK(reference_transport_checksum(segment, len, transport) ==
		      0);
		count++;
	}
	CHECK(count == 4);
}

static void test_source_route(void)
{
	check_source_route(&(struct flow){.is_v6 = false});
	check_source_route(&(struct flow){.is_v6 = true});
	check_source_route(&(struct flow){.is_v6 = false, .is_udp = true});
	check_source_route(&(struct flow){.is_v6 = true, .is_udp = true});
}

int main(void)
{
	TEST("segments on a source route have the checksum of its end",
	     test_source_route);
	return report();
}
