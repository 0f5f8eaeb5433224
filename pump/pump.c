/* SPDX-License-Identifier: MIT */
/*
 * pump.c - the life of a pump
 *
 *	open	memory, queues, OpenSSL; nothing is touched outside
 *	start	offloads of TUN and sockets, then the threads
 *	stop	the threads end at once, then the offloads
 *	close	what is left is wiped and freed
 *
 * The threads take no signal: Node's handlers belong to its own thread.
 */
#include "pump.h"

#include "activity.h"
#include "descriptors.h"
#include "rx.h"
#include "state.h"
#include "tx.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

enum {
	/* Some 340 packets of full size, and in any case several of the longest. */
	SENDS_BYTES = 1 << 19,
	MTU_MIN = 68,
};

int pump_abi(void)
{
	return PUMP_ABI;
}

/**
 * is_valid() - Whether a pump can be made of what the caller gives
 * @config:	Config
 * @activity:	Block
 * @activity_bytes: Its size
 */
static bool is_valid(const struct pump_config *config, const void *activity,
		     uint32_t activity_bytes)
{
	uint64_t needed;

	if (!config || config->bytes != sizeof(*config) || !activity ||
	    (uintptr_t)activity % 8 != 0)
		return false;
	needed =
		sizeof(struct pump_activity) +
		(uint64_t)config->peers_max * sizeof(struct pump_peer_activity);
	return config->peers_max >= 1 && config->peers_max <= PUMP_PEERS_MAX &&
	       activity_bytes >= needed && config->mtu >= MTU_MIN &&
	       config->mtu <= PACKET_BYTES_MAX &&
	       config->workers <= PUMP_WORKERS_MAX &&
	       (config->vnet_header_bytes == 0 ||
		config->vnet_header_bytes == VNET_BYTES ||
		config->vnet_header_bytes == VNET_BYTES_MAX);
}

/**
 * allocate() - Make what a pump consists of
 * @pump:	Zeros but for its config and activity
 * Returns 0 or a negative errno.
 */
static int allocate(struct pump *pump)
{
	int failure = evp_find(&pump->evp);

	if (failure)
		return failure;
	if (pump->config.without & PUMP_WITHOUT_HALVES)
		pump->evp.uses_halves = false;
	failure = keypairs_init(&pump->keypairs);
	if (!failure)
		failure = queue_init(&pump->sends, SENDS_BYTES);
	if (!failure)
		failure = handup_init(&pump->handup);
	if (failure)
		return failure;
	pump->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	pump->stop_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (pump->wake_fd < 0 || pump->stop_fd < 0)
		return -errno;
	atomic_init(&pump->allowedips, allowedips_build(NULL, 0));
	pump->peers = calloc(pump->config.peers_max, sizeof(*pump->peers));
	pump->tx = tx_create(pump);
	pump->rx = rx_create(pump);
	pump->descriptors = descriptors_create(pump);
	return pump->peers && pump->tx && pump->rx && pump->descriptors &&
			       atomic_load(&pump->allowedips)
		       ? 0
		       : -ENOMEM;
}

struct pump *pump_open(const struct pump_config *config, void *activity,
		       uint32_t activity_bytes, int32_t *failure)
{
	struct pump *pump;

	*failure = EINVAL;
	if (!is_valid(config, activity, activity_bytes))
		return NULL;
	*failure = ENOMEM;
	pump = aligned_alloc(64, sizeof(*pump));
	if (!pump)
		return NULL;
	memset(pump, 0, sizeof(*pump));
	pump->config = *config;
	pump->activity = activity;
	pump->wake_fd = pump->stop_fd = -1;
	pump->handup.wake[0] = pump->handup.wake[1] = -1;
	atomic_init(&pump->mtu, config->mtu);
	pthread_mutex_init(&pump->endpoints_lock, NULL);
	*failure = epoch_init(&pump->epoch);
	if (*failure == 0)
		*failure = -allocate(pump);
	if (*failure == 0) {
		activity_store(&pump->activity->abi, PUMP_ABI);
		return pump;
	}
	/* Of a pump that there is, it is the caller's. */
	if (pump->handup.wake[1] >= 0)
		close(pump->handup.wake[1]);
	pump_close(pump);
	return NULL;
}

int pump_wake_fd(struct pump *pump)
{
	return pump->handup.wake[1];
}

/**
 * tx_thread() - TUN → UDP until the end
 * @argument:	Pump
 */
static void *tx_thread(void *argument)
{
	struct pump *pump = argument;
	bool reads_tun = true;
	int count;

	descriptors_begin_tx(pump->descriptors);
	while (!atomic_load(&pump->is_stopping)) {
		count = tx_step(pump->tx, reads_tun);
		if (count < 0) {
			reads_tun = false;
			handup_gone(&pump->handup, (uint32_t)-count);
		}
		if (count <= 0)
			descriptors_wait_tx(pump->descriptors, reads_tun);
	}
	descriptors_end_tx(pump->descriptors);
	return NULL;
}

/**
 * rx_thread() - UDP → TUN until the end
 * @argument:	Pump
 */
static void *rx_thread(void *argument)
{
	struct pump *pump = argument;

	while (!atomic_load(&pump->is_stopping))
		if (rx_step(pump->rx) == 0)
			descriptors_wait_rx(pump->descriptors);
	return NULL;
}

/**
 * pump_begin_workers() - Begin the threads beside tx and rx
 * @pump:	Pump
 * @count:	How many beside each
 * They take no part in anything but what tx and rx give them.
 */
void pump_begin_workers(struct pump *pump, uint32_t count)
{
	workers_begin(&pump->sealers, count, true);
	workers_begin(&pump->openers, count, false);
	activity_store(&pump->activity->workers,
		       pump->sealers.count + pump->openers.count);
}

/**
 * pump_end_workers() - End them; tx and rx have ended
 * @pump:	Pump
 */
void pump_end_workers(struct pump *pump)
{
	workers_end(&pump->sealers);
	workers_end(&pump->openers);
	activity_store(&pump->activity->workers, 0);
}

/**
 * end_threads() - End threads and wait for them
 * @pump:	Pump
 * @count:	How many there are besides the workers, tx before rx
 */
static void end_threads(struct pump *pump, int count)
{
	uint64_t one = 1, counted;
	int i;

	atomic_store(&pump->is_stopping, true);
	(void)!write(pump->stop_fd, &one, sizeof(one));
	for (i = 0; i < count; i++)
		pthread_join(pump->threads[i], NULL);
	pump_end_workers(pump);
	(void)!read(pump->stop_fd, &counted, sizeof(counted));
	atomic_store(&pump->is_stopping, false);
}

/**
 * begin_threads() - Begin all threads
 * @pump:	Pump
 * @workers:	How many beside each of tx and rx
 * Returns 0 or a negative errno; then there is no thread.
 */
static int begin_threads(struct pump *pump, uint32_t workers)
{
	static void *(*const bodies[])(void *) = {tx_thread, rx_thread};
	sigset_t all, before;
	int failure = 0, count;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	pump_begin_workers(pump, workers);
	for (count = 0; count < EPOCH_READERS && !failure; count++)
		failure = pthread_create(&pump->threads[count], NULL,
					 bodies[count], pump);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (failure)
		end_threads(pump, count - 1);
	return -failure;
}

int pump_start(struct pump *pump)
{
	int failure;

	if (pump->runs)
		return -EALREADY;
	offload_begin(pump->descriptors);
	failure = begin_threads(pump, pump->config.workers);
	/* They may have taken what was left for the two that there must be. */
	if (failure && pump->config.workers > 0)
		failure = begin_threads(pump, 0);
	if (failure) {
		offload_end(pump->descriptors);
		return failure;
	}
	pump->runs = true;
	offload_note(pump, PUMP_RUNS, true);
	return 0;
}

/**
 * settle_sends() - Do what tx was still to do
 * @pump:	Pump without threads
 * Promotions hold; packets would go out much later, and are dropped.
 */
static void settle_sends(struct pump *pump)
{
	const struct pump_message *message;

	while ((message = queue_peek(&pump->sends)) != NULL) {
		if (message->kind == SEND_PROMOTION)
			tx_promote(pump, message->index);
		else
			activity_drop(pump->activity, PUMP_UNSENT, 1);
		queue_pop(&pump->sends, message);
	}
}

int pump_stop(struct pump *pump)
{
	if (!pump->runs)
		return -EALREADY;
	end_threads(pump, EPOCH_READERS);
	settle_sends(pump);
	offload_end(pump->descriptors);
	pump->runs = false;
	offload_note(pump, ~0ULL, false);
	return 0;
}

int pump_close(struct pump *pump)
{
	if (pump->runs)
		pump_stop(pump);
	if (atomic_load(&pump->keypairs.table))
		keypairs_destroy(&pump->keypairs);
	free(atomic_load(&pump->allowedips));
	tx_free(pump->tx);
	rx_free(pump->rx);
	descriptors_free(pump->descriptors);
	queue_destroy(&pump->sends);
	handup_destroy(&pump->handup);
	if (pump->wake_fd >= 0)
		close(pump->wake_fd);
	if (pump->stop_fd >= 0)
		close(pump->stop_fd);
	free(pump->peers);
	epoch_destroy(&pump->epoch);
	pthread_mutex_destroy(&pump->endpoints_lock);
	free(pump);
	return 0;
}
