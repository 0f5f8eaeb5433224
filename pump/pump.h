/* SPDX-License-Identifier: MIT */
/*
 * pump.h - the whole contract between the pump and TypeScript
 *
 * The core (src/wireguard) owns handshakes, timers, peers and policy. The pump
 * owns what is done for each packet. It gets established keypairs, endpoints
 * and the allowed-IPs table by the calls below, and moves transport data on two
 * threads of its own:
 *
 *	tx	TUN → look up → split → seal → group → UDP
 *	rx	UDP → look up → open → window → check → coalesce → TUN
 *
 * Each may have workers, who share the cipher's work of a batch with it.
 *
 * Rules for the caller:
 *
 * 1. All calls come from one thread. None blocks for longer than a batch takes.
 *    None is needed for a packet.
 * 2. A call returns 0 or more if it worked, and a negative errno if it didn't;
 *    it has changed nothing then. Structs are of fixed size, without gaps,
 *    little-endian; pointers are read and written only during the call, but
 *    for the activity block, which is lent until pump_close().
 * 3. Descriptors stay the caller's, and open until pump_stop() has returned.
 *    While the pump runs nobody else reads them.
 * 4. A pump that runs is stopped before the process ends: exit(3) takes OpenSSL
 *    down while its threads would go on with it. _exit(2) may be called anyway.
 * 5. A peer is a number below peers_max, of the caller's choice.
 * 6. A keypair that was installed is never again sealed with or opened with by
 *    anybody else: the pump owns its send counter and its replay window.
 *
 * The order in a handshake, which makes a rekey under load lose nothing:
 *
 *	initiator	install → promote → send (what is staged, or empty)
 *	responder	install (unconfirmed) → pump_datagram(response) → …
 *			CONFIRMED → promote → send (what is staged)
 *	either		remove whatever fell out of the slots
 *
 * What the pump can't do comes up as a message (struct pump_message): a byte
 * on the wake socket says that there is one, pump_take() takes them. What a
 * stranger can cause at will is only counted, but for handshake messages, for
 * which a queue of their own is bounded. Every queue is bounded, and what it
 * refuses is counted.
 */
#ifndef WG_WRAP_PUMP_H
#define WG_WRAP_PUMP_H

#include <assert.h>
#include <stdint.h>

#define PUMP_API __attribute__((visibility("default")))

enum {
	/* What pump_abi() returns. Another number: don't use the library. */
	PUMP_ABI = 2,
	PUMP_PEERS_MAX = 65536,
	/* Beside tx, and as many beside rx. */
	PUMP_WORKERS_MAX = 7,
	PUMP_KEY_BYTES = 32,
	/* No peer has the packet's destination. */
	PUMP_NO_PEER = -1,
	/* Errors are counted by errno below this. Others count as the last. */
	PUMP_ERRNOS = 134,
};

/* Opaque; the caller holds a pointer to it. */
struct pump;

/* Opening */

/* struct pump_config.without: what isn't used although it may be there. */
enum {
	PUMP_WITHOUT_OFFLOAD = 1 << 0, /* no super-packets either way */
	PUMP_WITHOUT_SEGMENT = 1 << 1, /* no UDP_SEGMENT */
	PUMP_WITHOUT_GRO = 1 << 2,     /* no UDP_GRO */
	PUMP_WITHOUT_URING = 1 << 3,   /* no io_uring */
	PUMP_WITHOUT_HALVES = 1 << 4,  /* the cipher as a whole (aead.c) */
};

struct pump_config {
	/* sizeof(struct pump_config) */
	uint32_t bytes;
	/* One queue of the TUN, non-blocking. */
	int32_t tun;
	/* Bound UDP sockets; -1 where the host lacks the family. */
	int32_t udp4, udp6;
	/* Length of the virtio_net_hdr before each packet: 10, 12, or 0. */
	uint32_t vnet_header_bytes;
	uint32_t mtu;
	/* Peers are 0 to peers_max - 1. */
	uint32_t peers_max;
	uint32_t without;
	/* The reserved bytes of all datagrams; zeros unless configured. */
	uint8_t reserved[4];
	/* Threads beside tx, and as many beside rx; 0 to PUMP_WORKERS_MAX. */
	uint32_t workers;
	uint32_t unused[6];
};
static_assert(sizeof(struct pump_config) == 64, "read by TypeScript");

/*
 * Remote is where a datagram goes to or came from; local is the address of this
 * host that it came to, and is sent from. A local family of 0 leaves the choice
 * to the routes. The pump itself remembers the local address at which the last
 * authentic datagram of a peer arrived, and forgets it when the kernel refuses
 * to send from it, so the caller needn't follow it.
 */
struct pump_endpoint {
	/* 4, 6, or 0 for none. */
	uint16_t family;
	/* In host order. */
	uint16_t port;
	/* The zone of a link-local IPv6 address, else 0. */
	uint32_t scope;
	/* 4 or 16 bytes; the rest is 0. */
	uint8_t remote[16];
	uint8_t local[16];
	/* 1 if local is known. */
	uint32_t has_local;
	/* Interface of local, 0 for any: only where local is link-local. */
	uint32_t local_interface;
};
static_assert(sizeof(struct pump_endpoint) == 48, "read by TypeScript");

/* Keypairs and routes */

struct pump_keypair {
	uint32_t peer;
	/* The receiver index of what the peer sends; unique. */
	uint32_t local_index;
	/* The receiver index of what is sent to the peer. */
	uint32_t remote_index;
	/* 1 for a responder's keypair that nothing authentic came on yet. */
	uint32_t unconfirmed;
	/* When it was derived, CLOCK_BOOTTIME in ms. */
	uint64_t birth_ms;
	uint8_t send_key[PUMP_KEY_BYTES];
	uint8_t receive_key[PUMP_KEY_BYTES];
};
static_assert(sizeof(struct pump_keypair) == 88, "written by TypeScript");

struct pump_prefix {
	/* 4 or 6. */
	uint16_t family;
	/* 0 to 32, or 0 to 128. Host bits are ignored. */
	uint16_t length;
	uint32_t peer;
	/* 4 or 16 bytes in network order. */
	uint8_t address[16];
};
static_assert(sizeof(struct pump_prefix) == 24, "written by TypeScript");

/* Messages */

enum pump_message_kind {
	/* Initiation, response or cookie reply of right length, with from. */
	PUMP_HANDSHAKE = 1,
	/*
	 * A packet from the TUN without a peer (peer is PUMP_NO_PEER), without
	 * an endpoint, or without a usable keypair. A super-packet comes as its
	 * segments, and checksums are complete.
	 */
	PUMP_PACKET = 2,
	/* The first authentic datagram on an unconfirmed keypair: index. */
	PUMP_CONFIRMED = 3,
	/*
	 * An authentic datagram of the peer came from elsewhere: from. Nothing
	 * goes there before pump_peer_endpoint() says so. Once for each place,
	 * and not again before the notice was taken.
	 */
	PUMP_MOVED = 4,
	/* The first packet since pump_watch(): read the activity block. */
	PUMP_ACTIVE = 5,
	/* The TUN is gone, for the reason in index, an errno. Never lost. */
	PUMP_GONE = 6,
};

struct pump_message {
	/* With this header and with padding to a multiple of 8. */
	uint32_t bytes;
	/* enum pump_message_kind */
	uint32_t kind;
	uint32_t peer;
	/* CONFIRMED: the local index of the keypair; GONE: errno. */
	uint32_t index;
	/* HANDSHAKE and MOVED. */
	struct pump_endpoint from;
	/* Bytes of datagram or packet that follow this header. */
	uint32_t payload_bytes;
	uint32_t unused;
};
static_assert(sizeof(struct pump_message) == 72, "read by TypeScript");

/*
 * Memory of the caller's that the pump writes and the caller reads whenever it
 * likes. Each word is written whole. Times are CLOCK_BOOTTIME in milliseconds,
 * 0 for never. The two since-words and notices may be changed by the caller
 * too, with compare-exchange or and.
 */

/* Why a packet or a datagram went no further: indices of drops[]. */
enum pump_drop {
	/* The names of DROP_REASONS in src/wireguard/drop-reason.ts. */
	PUMP_MALFORMED,	       /* malformed */
	PUMP_UNKNOWN_INDEX,    /* unknownIndex */
	PUMP_EXPIRED,	       /* expired */
	PUMP_COUNTER_EXCEEDED, /* counterExceeded */
	PUMP_UNAUTHENTIC,      /* unauthentic */
	PUMP_REPLAYED,	       /* replayed */
	PUMP_NOT_IP,	       /* notIp */
	PUMP_TRUNCATED_HEADER, /* truncatedHeader */
	PUMP_WRONG_LENGTH,     /* wrongLength */
	PUMP_WRONG_SOURCE,     /* wrongSource */
	PUMP_OUTBOUND_NOT_IP,  /* outboundNotIp */
	/* The pump's own. */
	PUMP_BAD_SUPER_PACKET, /* badSuperPacket: header and content disagree */
	PUMP_TRUNCATED,	      /* truncated: a datagram longer than the buffer */
	PUMP_PACKETS_FULL,    /* packetsFull: too many packets handed up */
	PUMP_HANDSHAKES_FULL, /* handshakesFull: too many messages handed up */
	PUMP_SENDS_FULL,      /* sendsFull: too many packets sent down */
	PUMP_QUEUE_FULL,      /* queueFull: no room in the socket for so long */
	PUMP_UNSEALED, /* unsealed: the cipher failed, on one of a batch */
	PUMP_UNSENT,   /* unsent: stopped first, or a keepalive too late */
	PUMP_DROPS,
};

/* struct pump_activity.in_use */
enum {
	PUMP_USES_TSO = 1 << 0,	     /* TCP super-packets from the TUN */
	PUMP_USES_USO = 1 << 1,	     /* UDP super-packets, both ways */
	PUMP_USES_SEGMENT4 = 1 << 2, /* UDP_SEGMENT */
	PUMP_USES_SEGMENT6 = 1 << 3,
	PUMP_USES_GRO4 = 1 << 4, /* UDP_GRO */
	PUMP_USES_GRO6 = 1 << 5,
	PUMP_USES_URING = 1 << 6,    /* TUN reads through io_uring */
	PUMP_USES_COALESCE = 1 << 7, /* TCP super-packets to the TUN */
	PUMP_RUNS = 1 << 8,	     /* between start and stop */
};

struct pump_peer_activity {
	/* Written by tx. Bytes are UDP payload, packets aren't keepalives. */
	uint64_t last_sent_ms, tx_bytes, tx_packets, tx_keepalives;
	/* The keypair that is sent on, and its next counter. */
	uint64_t sending_index, next_counter;
	uint64_t unused_tx[10];
	/* Written by rx; bytes of messages that passed all checks. */
	uint64_t last_received_ms, rx_bytes, rx_packets, rx_keepalives;
	/* Local index of the keypair last confirmed. */
	uint64_t confirmed_index;
	uint64_t unused_rx[11];
	/* First packet sent, and nothing authentic received since. */
	uint64_t unanswered_since_ms;
	/* First packet received, and nothing sent since. */
	uint64_t unreplied_since_ms;
	/* Bits of enum pump_notice: as the messages, but never lost. */
	uint64_t notices;
	uint64_t unused_shared[13];
};
static_assert(sizeof(struct pump_peer_activity) == 384, "read by TypeScript");

enum pump_notice {
	PUMP_NOTICE_CONFIRMED = 1 << 0, /* see confirmed_index */
	PUMP_NOTICE_MOVED = 1 << 1,	/* see pump_peer_moved() */
};

struct pump_activity {
	uint64_t abi;
	uint64_t in_use;
	uint64_t drops[32];
	/* Work done: to see that offloads are at work. */
	uint64_t tun_super_packets; /* read from the TUN */
	uint64_t udp_groups;	    /* sends of more than one datagram */
	uint64_t udp_gro;	    /* receives of more than one datagram */
	uint64_t tun_coalesced;	    /* super-packets written to the TUN */
	uint64_t udp_datagrams_sent, udp_datagrams_received;
	/* Datagrams whose first byte is no type of WireGuard's. */
	uint64_t foreign;
	/* Threads beside tx and rx that there are. */
	uint64_t workers;
	/* By errno: a refused write, datagram, and error on receiving. */
	uint64_t tun_write_errors[PUMP_ERRNOS];
	uint64_t udp_send_errors[PUMP_ERRNOS];
	uint64_t udp_receive_errors[PUMP_ERRNOS];
	uint64_t padding[68];
	struct pump_peer_activity peers[];
};
static_assert(sizeof(struct pump_activity) == 4096, "read by TypeScript");

/* Calls: life */

/**
 * pump_abi() - The version of this contract
 */
PUMP_API int pump_abi(void);

/**
 * pump_open() - Make a pump that doesn't run
 * @config:	What it works with
 * @activity:	Zeros, sizeof(struct pump_activity) and a struct
 *		pump_peer_activity for each of peers_max, aligned to 8
 * @activity_bytes: Its size
 * @failure:	Gets a positive errno if the result is NULL: EINVAL for a bad
 *		config, ENOSYS if this executable has no ChaCha20-Poly1305
 */
PUMP_API struct pump *pump_open(const struct pump_config *config,
				void *activity, uint32_t activity_bytes,
				int32_t *failure);

/**
 * pump_wake_fd() - The stream socket on which a byte comes for messages
 * @pump:	Pump
 * Readable while pump_take() has something to give after it gave nothing. The
 * bytes mean nothing and must be read. The descriptor is the caller's to close.
 */
PUMP_API int pump_wake_fd(struct pump *pump);

/**
 * pump_start() - Set up TUN and sockets as the pump needs them, and run
 * @pump:	Pump
 */
PUMP_API int pump_start(struct pump *pump);

/**
 * pump_stop() - End all threads, and undo what pump_start() set up
 * @pump:	Pump
 * Keypairs, endpoints, routes and messages stay; it may be started again.
 */
PUMP_API int pump_stop(struct pump *pump);

/**
 * pump_close() - Stop, wipe all keypairs, and free everything
 * @pump:	Pump; not to be used again
 */
PUMP_API int pump_close(struct pump *pump);

/**
 * pump_set_sockets() - Exchange the sockets of a pump that doesn't run
 * @pump:	Pump
 * @udp4:	Bound UDP socket, or -1
 * @udp6:	Likewise
 * Forgets all local addresses. -EBUSY while it runs.
 */
PUMP_API int pump_set_sockets(struct pump *pump, int udp4, int udp6);

/**
 * pump_set_mtu() - Change the MTU, which padding doesn't exceed
 * @pump:	Pump
 * @mtu:	Of the TUN
 */
PUMP_API int pump_set_mtu(struct pump *pump, uint32_t mtu);

/* Calls: what the core decided */

/**
 * pump_set_allowed_ips() - Replace the whole table of allowed IPs
 * @pump:	Pump
 * @prefixes:	Array; of two equal prefixes the later one counts
 * @count:	Its length
 */
PUMP_API int pump_set_allowed_ips(struct pump *pump,
				  const struct pump_prefix *prefixes,
				  uint32_t count);

/**
 * pump_peer_endpoint() - Say where datagrams for a peer go
 * @pump:	Pump
 * @peer:	Peer
 * @endpoint:	Endpoint; of family 0 if there is none any more
 * Without a local address the pump forgets the one it remembered, too.
 */
PUMP_API int pump_peer_endpoint(struct pump *pump, uint32_t peer,
				const struct pump_endpoint *endpoint);

/**
 * pump_peer_moved() - Where the last authentic datagram from elsewhere came from
 * @pump:	Pump
 * @peer:	Peer
 * @endpoint:	Gets it; of family 0 if there was none since the endpoint was
 *		set, or one from the endpoint since
 */
PUMP_API int pump_peer_moved(struct pump *pump, uint32_t peer,
			     struct pump_endpoint *endpoint);

/**
 * pump_peer_remove() - Forget a peer: keypairs, endpoint, activity
 * @pump:	Pump
 * @peer:	Peer; the number may be used for another one afterwards
 * Its prefixes should have been taken out of the table before.
 */
PUMP_API int pump_peer_remove(struct pump *pump, uint32_t peer);

/**
 * pump_install() - Accept datagrams on a keypair
 * @pump:	Pump
 * @keypair:	Keypair; the caller wipes its copy
 * It isn't sent on before pump_promote(). -EEXIST: the index is taken.
 */
PUMP_API int pump_install(struct pump *pump,
			  const struct pump_keypair *keypair);

/**
 * pump_promote() - Send on a keypair, in the place of the peer's former one
 * @pump:	Pump
 * @local_index: Of an installed keypair
 * Takes effect before what is given to pump_send() later, and before packets
 * that are read from the TUN later.
 */
PUMP_API int pump_promote(struct pump *pump, uint32_t local_index);

/**
 * pump_stop_sending() - Send on no keypair of a peer; receiving goes on
 * @pump:	Pump
 * @peer:	Peer
 */
PUMP_API int pump_stop_sending(struct pump *pump, uint32_t peer);

/**
 * pump_remove() - Wipe a keypair
 * @pump:	Pump
 * @local_index: Its index
 * When this returns no thread uses it any more. -ENOENT: there is none.
 */
PUMP_API int pump_remove(struct pump *pump, uint32_t local_index);

/* Calls: packets and messages */

/**
 * pump_send() - Seal a packet on the peer's keypair and send it
 * @pump:	Pump
 * @peer:	Peer
 * @packet:	Packet
 * @bytes:	Its length; 0 for a keepalive
 * In order, and before packets that are read from the TUN later. A packet whose
 * keypair has just become unusable comes up again as a PACKET. -ENOBUFS: too
 * many wait, and it is counted. -ENETDOWN: the pump doesn't run, and it is
 * counted, too. -EMSGSIZE: no IP packet is that long.
 */
PUMP_API int pump_send(struct pump *pump, uint32_t peer, const void *packet,
		       uint32_t bytes);

/**
 * pump_datagram() - Send a datagram of the core's: a handshake message
 * @pump:	Pump
 * @to:		Where to; where from, if has_local
 * @tos:	Outer IPv4 TOS or IPv6 traffic class
 * @datagram:	Message with zeros as its reserved bytes
 * @bytes:	Its length, at most 2048
 * Returns a negative errno if the kernel refuses it, which is counted too. Also
 * while the pump doesn't run.
 */
PUMP_API int pump_datagram(struct pump *pump, const struct pump_endpoint *to,
			   uint32_t tos, const void *datagram, uint32_t bytes);

/**
 * pump_deliver() - Write a packet of the core's to the TUN: an ICMP answer
 * @pump:	Pump
 * @packet:	Whole packet
 * @bytes:	Its length, at most 2048
 */
PUMP_API int pump_deliver(struct pump *pump, const void *packet,
			  uint32_t bytes);

/**
 * pump_take() - Take messages
 * @pump:	Pump
 * @buffer:	Gets as many whole messages as fit
 * @bytes:	Its size, at least PUMP_TAKE_BYTES
 * Returns the number of bytes written. At 0 a byte on the wake socket announces
 * the next message; so it is called until it returns 0.
 */
PUMP_API int pump_take(struct pump *pump, void *buffer, uint32_t bytes);

enum {
	/* The longest message. */
	PUMP_TAKE_BYTES = 65536 + 72 + 8,
};

/**
 * pump_watch() - Ask for one ACTIVE at the next authentic packet either way
 * @pump:	Pump
 */
PUMP_API int pump_watch(struct pump *pump);

#endif
