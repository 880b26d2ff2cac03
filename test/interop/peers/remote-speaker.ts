import { fileURLToPath } from 'node:url';
import type { ForPeers, PeerOptions, PeerStatus, Route, SessionState, SpeakerOptions, StopOptions } from 'bgp-speaker-lite';
import type { Daemon, Host } from './lan.ts';
import { until } from './run.ts';

interface Reply {
  readonly id?: number;
  readonly value?: unknown;
  readonly error?: string;
  readonly ready?: boolean;
  readonly event?: string;
  readonly data?: unknown;
}

/** A speaker running in a namespace: the methods of `Speaker`, each a promise. */
export class RemoteSpeaker {
  readonly host: Host;
  readonly daemon: Daemon;
  /** Everything it has emitted, oldest first. */
  readonly events: { readonly event: string; readonly data: Record<string, unknown> }[] = [];
  readonly #waiting = new Map<number, { resolve: (value: unknown) => void; reject: (error: Error) => void }>();
  #nextId = 1;

  private constructor(host: Host, daemon: Daemon) {
    this.host = host;
    this.daemon = daemon;
    daemon.process.on('message', message => this.#reply(message as Reply));
    daemon.process.once('exit', () => {
      for (const { reject } of this.#waiting.values()) reject(new Error(`the speaker on ${host.name} has ended\n${daemon.output}`));
      this.#waiting.clear();
    });
  }

  static async start(host: Host, options: SpeakerOptions): Promise<RemoteSpeaker> {
    const program = fileURLToPath(new URL('speaker-process.ts', import.meta.url));
    const daemon = host.start(process.execPath, ['--import', 'tsx', program], { ipc: true });
    const speaker = new RemoteSpeaker(host, daemon);
    await new Promise<void>((resolve, reject) => {
      daemon.process.once('message', () => resolve());
      daemon.process.once('exit', () => reject(new Error(`the speaker on ${host.name} did not start\n${daemon.output}`)));
    });
    await speaker.call('create', options);
    return speaker;
  }

  async call<T = void>(method: string, ...args: unknown[]): Promise<T> {
    const id = this.#nextId++;
    if (!this.daemon.running) throw new Error(`the speaker on ${this.host.name} has ended\n${this.daemon.output}`);
    return await new Promise<T>((resolve, reject) => {
      this.#waiting.set(id, { resolve: value => resolve(value as T), reject });
      this.daemon.process.send({ id, method, args });
    });
  }

  listen = (options: object = {}): Promise<number> => this.call('listen', options);
  addPeer = (options: PeerOptions): Promise<void> => this.call('addPeer', options);
  updatePeer = (options: PeerOptions): Promise<void> => this.call('updatePeer', options);
  removePeer = (name: string): Promise<void> => this.call('removePeer', name);
  announce = (route: Route, options: ForPeers = {}): Promise<void> => this.call('announce', route, options);
  withdraw = (prefix: string, options: ForPeers = {}): Promise<boolean> => this.call('withdraw', prefix, options);
  replaceRoutes = (routes: readonly (Route & ForPeers)[]): Promise<void> => this.call('replaceRoutes', routes);
  status = (name: string): Promise<PeerStatus> => this.call('peerStatus', name);

  async stop(options: StopOptions): Promise<void> {
    await this.call('stop', options);
    await this.daemon.kill();
  }

  /** Waits for a peer to be in a state. */
  async waitState(name: string, state: SessionState, timeout?: number): Promise<PeerStatus> {
    let seen: PeerStatus | undefined;
    return await until(
      `peer ${name} is ${state}`,
      async () => {
        seen = await this.status(name);
        return seen.state === state && seen;
      },
      { ...(timeout !== undefined && { timeout }), explain: () => JSON.stringify(seen, undefined, 1) },
    );
  }

  #reply(message: Reply): void {
    if (message.event !== undefined) this.events.push({ event: message.event, data: message.data as Record<string, unknown> });
    if (message.id === undefined) return;
    const waiting = this.#waiting.get(message.id);
    this.#waiting.delete(message.id);
    if (message.error === undefined) waiting?.resolve(message.value);
    else waiting?.reject(new Error(message.error));
  }
}
