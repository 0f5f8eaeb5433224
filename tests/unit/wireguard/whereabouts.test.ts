import { describe, expect, it } from 'vitest';
import { UdpEndpoint } from '../../../src/ip.ts';
import type { Endpoint } from '../../../src/wireguard/ports.ts';
import { MAX_CANDIDATES, Whereabouts } from '../../../src/wireguard/whereabouts.ts';

const at = (last: number): UdpEndpoint => new UdpEndpoint(Uint8Array.of(192, 0, 2, last), 51820);
const [a, b, c, elsewhere] = [at(1), at(2), at(3), at(99)];

function make(...candidates: readonly Endpoint[]): Whereabouts {
  const whereabouts = new Whereabouts();
  whereabouts.setCandidates(candidates);
  return whereabouts;
}

/** Asks in vain so many times; returns where. */
function ask(whereabouts: Whereabouts, times: number): (string | undefined)[] {
  return Array.from({ length: times }, () => {
    whereabouts.asked();
    const { current } = whereabouts;
    whereabouts.unanswered();
    return current?.toString();
  });
}

describe('where a peer is', () => {
  it('is the first candidate, then each in turn, then the first again', () => {
    expect(ask(make(a, b, c), 5)).toEqual([a, b, c, a, b].map(String));
  });

  it('is nowhere without an endpoint', () => {
    expect(ask(make(), 2)).toEqual([undefined, undefined]);
  });

  it('stays at an endpoint that was set, whatever the answer', () => {
    const whereabouts = make(a, b);
    whereabouts.heardFrom(elsewhere);
    whereabouts.set(c);
    expect(ask(whereabouts, 3)).toEqual([c, c, c].map(String));
  });

  it('does not change where nothing was asked', () => {
    const whereabouts = make(a, b);
    expect(whereabouts.unanswered()).toBe(false);
    expect(whereabouts.current).toBe(a);
    whereabouts.asked();
    expect(whereabouts.unanswered()).toBe(true);
    expect(whereabouts.current).toBe(b);
  });

  it('does not change after an answer', () => {
    const whereabouts = make(a, b);
    whereabouts.asked();
    whereabouts.heardFrom(a);
    expect(whereabouts.unanswered()).toBe(false);
    expect(whereabouts.current).toBe(a);
  });

  it('goes on from the candidate that it was heard from', () => {
    const whereabouts = make(a, b, c);
    whereabouts.heardFrom(b);
    expect(ask(whereabouts, 3)).toEqual([b, c, a].map(String));
  });

  it('comes back to where it had roamed to after all candidates', () => {
    const whereabouts = make(a, b);
    whereabouts.heardFrom(elsewhere);
    expect(ask(whereabouts, 4)).toEqual([elsewhere, a, b, elsewhere].map(String));
  });

  it('is no more where it had roamed to once it has settled elsewhere', () => {
    const whereabouts = make(a, b);
    whereabouts.heardFrom(elsewhere);
    ask(whereabouts, 1);
    whereabouts.heardFrom(a);
    whereabouts.settled();
    expect(ask(whereabouts, 4)).toEqual([a, b, a, b].map(String));
  });

  it('is tried once more at the address that gave a cookie, at each address', () => {
    const whereabouts = make(a, b);
    whereabouts.cookieReceived();
    expect(ask(whereabouts, 2)).toEqual([a, a].map(String));
    whereabouts.cookieReceived();
    expect(ask(whereabouts, 3)).toEqual([b, b, a].map(String));
  });

  it('sends no cookie back that came while the cookie before was tried', () => {
    const whereabouts = make(a, b);
    whereabouts.cookieReceived();
    ask(whereabouts, 1);
    whereabouts.cookieReceived();
    expect(ask(whereabouts, 2)).toEqual([a, b].map(String));
  });
});

describe('new candidates', () => {
  it('leave a peer that answers where it is, until it does not', () => {
    const whereabouts = make(a);
    whereabouts.asked();
    whereabouts.heardFrom(a);
    expect(whereabouts.setCandidates([b, c])).toBe(false);
    expect(ask(whereabouts, 3)).toEqual([a, b, c].map(String));
  });

  it('move a peer that was asked in vain, or whose silence is noticed', () => {
    const asked = make(a);
    ask(asked, 1);
    expect(asked.setCandidates([b])).toBe(true);
    expect(asked.current).toBe(b);
    const silent = make(a);
    silent.silent();
    expect(silent.setCandidates([b])).toBe(true);
    expect(silent.current).toBe(b);
  });

  it('leave a peer that has spoken again where it is', () => {
    const whereabouts = make(a);
    ask(whereabouts, 1);
    whereabouts.heardFrom(a);
    expect(whereabouts.setCandidates([b])).toBe(false);
    expect(whereabouts.current).toBe(a);
  });

  it('leave a peer that roamed where it is until that has been tried', () => {
    const whereabouts = make(a);
    whereabouts.heardFrom(elsewhere);
    whereabouts.silent();
    expect(whereabouts.setCandidates([b])).toBe(false);
    expect(ask(whereabouts, 3)).toEqual([elsewhere, b, elsewhere].map(String));
  });

  it('leave a peer where it is that is at one of them, and go on from there', () => {
    const whereabouts = make(a, b);
    ask(whereabouts, 1);
    expect(whereabouts.setCandidates([c, b, a])).toBe(false);
    expect(ask(whereabouts, 3)).toEqual([b, a, c].map(String));
  });

  it('leave a peer where it is if there are none', () => {
    const whereabouts = make(a, b);
    ask(whereabouts, 1);
    expect(whereabouts.setCandidates([])).toBe(false);
    expect(ask(whereabouts, 2)).toEqual([b, b].map(String));
  });

  it('make a place where the peer had roamed to one like the others', () => {
    const whereabouts = make(a);
    whereabouts.heardFrom(elsewhere);
    whereabouts.setCandidates([elsewhere, b]);
    expect(ask(whereabouts, 4)).toEqual([elsewhere, b, elsewhere, b].map(String));
  });

  it('are kept up to a bound', () => {
    const many = Array.from({ length: MAX_CANDIDATES + 5 }, (_, i) => at(i));
    const seen = ask(make(...many), MAX_CANDIDATES + 1);
    expect(seen.at(-1)).toBe(String(many[0]));
    expect(new Set(seen).size).toBe(MAX_CANDIDATES);
  });
});

describe('a local address', () => {
  /** An endpoint with a local address, as an outer layer may have it. */
  class LocalEndpoint extends UdpEndpoint {
    override equals(other: object): boolean {
      return other === this;
    }

    withoutLocalAddress(): Endpoint {
      return new UdpEndpoint(this.address, this.port);
    }
  }

  it('does not make another candidate of one', () => {
    const whereabouts = make(a, b);
    whereabouts.heardFrom(new LocalEndpoint(b.address, b.port));
    expect(ask(whereabouts, 3)).toEqual([b, a, b].map(String));
  });

  it.each([
    ['silence', (w: Whereabouts) => w.silent()],
    ['an initiation without an answer', (w: Whereabouts) => w.unanswered()],
  ])('is forgotten after %s', (_, happen) => {
    const whereabouts = make();
    const local = new LocalEndpoint(a.address, a.port);
    whereabouts.heardFrom(local);
    expect(whereabouts.current).toBe(local);
    happen(whereabouts);
    expect(whereabouts.current).not.toBe(local);
    expect(String(whereabouts.current)).toBe(String(a));
  });
});
