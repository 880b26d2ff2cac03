import { createServer, request, type Server } from 'node:http';
import { join } from 'node:path';
import { PlaygroundError } from './errors.ts';
import { hostNames } from './lan.ts';
import type { Playground } from './playground.ts';

/** What another command may ask of a running playground. */
export interface PlaygroundStatus {
  pid: number;
  /** Target of `nsenter` for commands on its hosts. */
  holder: number;
  kubeconfig: string;
  server: string;
  hosts: string[];
}

type Verb = 'status' | 'fail' | 'heal' | 'router' | 'stop';

/** Listens on a Unix socket in the run directory, which only its owner can open. */
export class Control {
  readonly #server: Server;

  private constructor(server: Server) {
    this.#server = server;
  }

  static async start(playground: Playground, onStop: () => void): Promise<Control> {
    const server = createServer((incoming, answer) => {
      const [, verb, argument = ''] = (incoming.url ?? '').split('/');
      perform(playground, verb as Verb, decodeURIComponent(argument), onStop).then(
        body => answer.end(JSON.stringify(body)),
        (error: unknown) => {
          answer.statusCode = 400;
          answer.end(error instanceof Error ? error.message : String(error));
        },
      );
    });
    await new Promise<void>((resolve, reject) => server.once('error', reject).listen(socketPath(playground.directory), resolve));
    return new Control(server);
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise(resolve => this.#server.close(resolve));
  }
}

async function perform(playground: Playground, verb: Verb, argument: string, onStop: () => void): Promise<unknown> {
  switch (verb) {
    case 'status':
      return status(playground);
    case 'fail':
      await playground.fail(argument);
      return {};
    case 'heal':
      await playground.heal(argument);
      return {};
    case 'router': {
      const router = await playground.startRouter();
      return { output: argument === '' ? '' : await router.vtysh(argument) };
    }
    case 'stop':
      // The answer first: stopping closes this connection.
      setTimeout(onStop, 50);
      return {};
    default:
      throw new PlaygroundError('EUNKNOWN', `the playground knows no ${String(verb)}`);
  }
}

function status(playground: Playground): PlaygroundStatus {
  return {
    pid: process.pid,
    holder: playground.sandbox.pid,
    kubeconfig: playground.kubeconfig,
    server: playground.server.url,
    hosts: hostNames(playground.topology),
  };
}

/** Asks a running playground; says how to start one where none runs. */
export function ask(directory: string, verb: Verb, argument = ''): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const outgoing = request(
      { socketPath: socketPath(directory), path: `/${verb}/${encodeURIComponent(argument)}`, method: 'POST' },
      answer => {
        let body = '';
        answer.on('data', (chunk: Buffer) => (body += chunk.toString()));
        answer.on('end', () => (answer.statusCode === 200 ? resolve(JSON.parse(body)) : reject(new PlaygroundError('ECOMMAND', body))));
      },
    );
    outgoing.on('error', () =>
      reject(new PlaygroundError('ENOTRUNNING', 'no playground runs here; start one with: herald playground up --detach')),
    );
    outgoing.end();
  });
}

/** The state of a running playground, or undefined. */
export async function running(directory: string): Promise<PlaygroundStatus | undefined> {
  try {
    return (await ask(directory, 'status')) as PlaygroundStatus;
  } catch {
    return undefined;
  }
}

function socketPath(directory: string): string {
  return join(directory, 'control.sock');
}
