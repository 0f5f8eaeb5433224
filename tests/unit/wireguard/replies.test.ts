import { describe, expect, it } from 'vitest';
import type { Activity } from '../../../src/wireguard/ports.ts';
import { Replies } from '../../../src/wireguard/replies.ts';

const SECOND_MS = 1_000;

describe('what is known of the replies of a peer', () => {
  it('is nothing at first', () => {
    expect(new Replies().status()).toEqual({ handshakes: 0, reclaimedAt: [] });
  });

  it('tells since when data has waited for a handshake, until there is one', () => {
    const replies = new Replies();
    replies.dataStaged(1 * SECOND_MS);
    replies.dataStaged(2 * SECOND_MS);
    expect(replies.status()).toMatchObject({ waitingSince: 1_000, lastDataAt: 2_000 });
    replies.handshakeCompleted(3 * SECOND_MS);
    expect(replies.status()).toMatchObject({ handshakes: 1, lastHandshakeAt: 3_000 });
    expect(replies.status().waitingSince).toBeUndefined();
  });

  it('counts silence from the first data that was not answered', () => {
    const replies = new Replies();
    replies.handshakeCompleted(0);
    replies.dataSent(1 * SECOND_MS);
    replies.dataSent(2 * SECOND_MS);
    expect(replies.status()).toMatchObject({ unansweredSince: 1_000, lastDataAt: 2_000 });
    replies.dataReceived();
    expect(replies.status().unansweredSince).toBeUndefined();
  });

  it('does not count the time before a handshake that ends a break as silence', () => {
    const replies = new Replies();
    replies.dataStaged(0);
    replies.handshakeCompleted(9 * SECOND_MS);
    expect(replies.status().unansweredSince).toBe(9_000);
    replies.handshakeCompleted(100 * SECOND_MS);
    expect(replies.status().unansweredSince, 'a rekey').toBe(9_000);
    replies.handshakeCompleted(400 * SECOND_MS);
    expect(replies.status().unansweredSince).toBe(400_000);
  });

  it('has the last three times at which a peer that had answered was taken back', () => {
    const replies = new Replies();
    for (let round = 1; round <= 4; round++) {
      replies.dataReceived();
      replies.fellSilent();
      replies.handshakeCompleted(round * SECOND_MS);
    }
    expect(replies.status().reclaimedAt).toEqual([2_000, 3_000, 4_000]);
  });

  it('takes no notice of handshakes for another reason', () => {
    const replies = new Replies();
    replies.dataReceived();
    replies.handshakeCompleted(1 * SECOND_MS);
    replies.fellSilent();
    replies.handshakeCompleted(2 * SECOND_MS);
    replies.fellSilent();
    replies.dataReceived();
    replies.handshakeCompleted(3 * SECOND_MS);
    expect(replies.status().reclaimedAt).toEqual([]);
  });

  it('are read from the bytes that a fast path has moved, keepalives aside', () => {
    const replies = new Replies();
    const activity = (rxBytes: number, txBytes: number, lastSent: number): Activity => ({
      rxBytes,
      txBytes,
      lastSent,
      lastReceived: 0,
      unansweredSince: 0,
      unrepliedSince: 0,
      sendingIndex: 0,
      nextCounter: 0,
      confirmedIndex: 0,
    });
    replies.fastPathActive(activity(32, 64, 1_000));
    replies.fastPathActive(activity(64, 128, 2_000));
    expect(replies.status()).toMatchObject({ unansweredSince: 1_000, lastDataAt: 2_000 });
    replies.fastPathActive(activity(128, 160, 3_000));
    expect(replies.status()).toMatchObject({ unansweredSince: undefined, lastDataAt: 2_000 });
    replies.fastPathChanged();
    replies.fastPathActive(activity(32, 64, 4_000));
    expect(replies.status().unansweredSince).toBe(4_000);
  });
});
