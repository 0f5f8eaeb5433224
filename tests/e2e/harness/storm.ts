/**
 * A storm: sessions of one configuration start, end and are killed at random, and so are the processes
 * that make and keep their tunnel.
 *
 * A model knows what each session may come to. One that is ended ends well; one that is killed, by that;
 * and one that had not begun when something was killed which it may have needed, may say so. After each
 * step there is at most one living tunnel, and every session is in it, or in one whose pin was killed.
 */
import { setTimeout as delay } from 'node:timers/promises';
import type { Client } from './client.ts';
import { sendSignal } from './cold-start.ts';
import { describe, type Command, type Result } from './command.ts';
import { eventually } from './eventually.ts';
import { Random } from './random.ts';
import type { Process } from './snapshot.ts';
import type { Topology } from './topology.ts';

const MOST_SESSIONS = 6;
const LONGEST_PAUSE_MS = 80;
const PATIENCE_MS = 20_000;
const HISTORY_SHOWN = 25;

type Step = 'start' | 'end' | 'kill session' | 'kill controller' | 'kill engine' | 'kill pin';

/** Each as often as it is to be taken. */
const DECK: readonly Step[] = [
  ...new Array<Step>(9).fill('start'),
  ...new Array<Step>(5).fill('end'),
  ...new Array<Step>(3).fill('kill session'),
  'kill controller',
  'kill engine',
  'kill pin',
];

interface Session {
  readonly command: Command;
  readonly result: Promise<Result>;
  isKilled: boolean;
  /** Whether something that it may have needed was killed before it ran. */
  isExcused: boolean;
}

/** The model, and the sessions that it is of. */
export class Storm {
  readonly #topology: Topology;
  readonly #client: Client;
  readonly #limitMs: number;
  readonly #random = new Random();
  readonly #history: string[] = [];
  /** Network namespaces of tunnels whose pin was killed. */
  readonly #orphaned = new Set<string>();
  /** Those that were not told to end yet. */
  readonly #present = new Set<Session>();
  /** Those that were told, or killed, and may not be over. */
  readonly #leaving = new Set<Session>();

  /** No session lives longer than `limitMs`, whatever goes wrong. */
  constructor(topology: Topology, client: Client, limitMs: number) {
    this.#topology = topology;
    this.#client = client;
    this.#limitMs = limitMs;
  }

  /**
   * Takes so many steps, then ends all sessions.
   * @throws {Error} with the seed, if something is not as the model has it.
   */
  async rage(steps: number): Promise<void> {
    try {
      for (let step = 0; step < steps; step++) {
        this.#take(this.#random.pick(DECK) ?? 'start');
        await delay(this.#random.between(0, LONGEST_PAUSE_MS));
        await this.#check();
      }
      for (const session of this.#present) this.#end(session);
      await Promise.all([...this.#leaving].map((session) => this.#judge(session)));
    } catch (error) {
      for (const { command } of [...this.#present, ...this.#leaving]) command.kill('SIGKILL');
      const last = this.#history.slice(-HISTORY_SHOWN).join('\n  ');
      throw new Error(`seed ${this.#random.seed}, after\n  ${last}\n${String(error)}`, {
        cause: error,
      });
    }
  }

  #take(step: Step): void {
    const { host } = this.#topology;
    const session = this.#random.pick([...this.#present]);
    switch (step) {
      case 'start':
        if (this.#present.size < MOST_SESSIONS) this.#start();
        break;
      case 'end':
        if (session) this.#end(session);
        break;
      case 'kill session':
        if (session) this.#killSession(session);
        break;
      case 'kill controller':
        this.#kill(host.processes().find(({ command }) => command.includes('/controller.js ')));
        break;
      case 'kill engine':
        this.#kill(this.#engines().at(0));
        break;
      case 'kill pin':
        this.#killPin();
    }
  }

  #start(): void {
    const command = this.#topology.start(this.#client, ['sh', '-c', 'echo up; exec cat'], {
      inputStaysOpen: true,
      limitMs: this.#limitMs,
    });
    this.#history.push(`session ${command.pid} started`);
    this.#present.add({
      command,
      result: command.wait(),
      isKilled: false,
      isExcused: false,
    });
  }

  #end(session: Session): void {
    this.#history.push(`session ${session.command.pid} ended`);
    this.#leave(session);
    session.command.endInput();
  }

  #killSession(session: Session): void {
    this.#history.push(`session ${session.command.pid} killed`);
    this.#leave(session);
    session.isKilled = true;
    sendSignal(session.command.pid, 'SIGKILL');
  }

  #leave(session: Session): void {
    this.#present.delete(session);
    this.#leaving.add(session);
  }

  /** The pin, or one of its kind that is at work on a start. */
  #killPin(): void {
    const { host } = this.#topology;
    const launchers = host.processes().filter(({ command }) => command === 'wg-wrap-pin');
    const victim = this.#random.pick(launchers);
    const record = host.pins().find((pin) => Number(pin.get('pid')) === victim?.pid);
    if (record) this.#orphaned.add(`net:[${String(record.get('netns'))}]`);
    this.#kill(victim);
  }

  /** Kills what sessions may need that have not begun. */
  #kill(victim: Process | undefined): void {
    if (!victim) return;
    this.#history.push(`${victim.pid} ${victim.command} killed`);
    for (const session of [...this.#present, ...this.#leaving]) {
      if (!hasBegun(session)) session.isExcused = true;
    }
    sendSignal(victim.pid, 'SIGKILL');
  }

  /** What has to hold after every step. */
  async #check(): Promise<void> {
    await eventually(
      () => this.#engines().length <= 1,
      PATIENCE_MS,
      () => `there are ${this.#engines().length} engines`,
    );
    for (const session of this.#present) this.#checkPlace(session);
    const over = [...this.#leaving].filter(({ command }) => !command.isRunning);
    for (const session of over) await this.#judge(session);
    // What the model has judged need not be looked at again.
    const unfinished = [...this.#present, ...this.#leaving].map(({ command }) => command);
    this.#topology.host.commands.splice(0, Infinity, ...unfinished);
  }

  #checkPlace({ command, isExcused }: Session): void {
    if (!command.isRunning) {
      if (isExcused) return;
      throw new Error(`session ${command.pid} ended by itself`);
    }
    if (!command.output.includes('up')) return;
    const { host } = this.#topology;
    const place = host.namespaceOf(command.pid);
    const living = host.pins().map((pin) => `net:[${String(pin.get('netns'))}]`);
    if (living.includes(place) || this.#orphaned.has(place)) return;
    throw new Error(`session ${command.pid} is in ${place}, which no pin keeps: ${living.join()}`);
  }

  async #judge(session: Session): Promise<void> {
    const result = await session.result;
    this.#leaving.delete(session);
    const { status, signal, stderr, text, overdue } = result;
    const isWell = status === 0 && stderr === '' && text === 'up';
    const isTold = (status === 124 || status === 125) && stderr.startsWith('wg-wrap: ');
    const isAsExpected =
      (session.isKilled && signal === 'SIGKILL') ||
      (session.isExcused && isTold) ||
      (!session.isKilled && isWell);
    if (!isAsExpected || overdue !== undefined) throw new Error(describe(result));
  }

  #engines(): readonly Process[] {
    return this.#topology.host.processes().filter(({ command }) => command.includes('/engine.js'));
  }
}

function hasBegun({ command }: Session): boolean {
  return command.output.includes('up');
}
