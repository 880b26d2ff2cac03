import { chmod, mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Daemon, Host } from './lan.ts';
import { findProgram, run, until } from './run.ts';

/** Copies what ExaBGP tells into a file, and commands out of a fifo to it. */
const HELPER = `#!/usr/bin/python3
import sys, threading
def commands():
    while True:
        with open(sys.argv[2]) as fifo:
            for line in fifo:
                sys.stdout.write(line)
                sys.stdout.flush()
threading.Thread(target=commands, daemon=True).start()
with open(sys.argv[1], 'a') as log:
    for line in sys.stdin:
        log.write(line)
        log.flush()
`;

export interface ExabgpMessage {
  readonly type: string;
  /** Octets in hex behind `0x`. */
  readonly header?: string;
  readonly body?: string;
  readonly neighbor?: { readonly direction?: string; readonly state?: string };
}

/**
 * ExaBGP in a namespace: tells every message it receives as octets, and sends what it is told to. NOTIFICATIONs are only told
 * as the reason of a session's end: asked for as messages, this version takes them for broken ones.
 */
export class Exabgp {
  readonly host: Host;
  readonly daemon: Daemon;
  readonly #log: string;
  readonly #fifo: string;

  private constructor(host: Host, daemon: Daemon, log: string, fifo: string) {
    this.host = host;
    this.daemon = daemon;
    this.#log = log;
    this.#fifo = fifo;
  }

  /** What is missing on this machine to run ExaBGP, or undefined. */
  static async missing(): Promise<string | undefined> {
    return (await findProgram('/usr/sbin/exabgp', '/usr/bin/exabgp')) ? undefined : 'ExaBGP is not installed (apt-get install exabgp)';
  }

  /** `neighbor` is the inside of a neighbor block without its api; the session is with `peer`, from `local`. */
  static async start(host: Host, options: { readonly local: string; readonly peer: string; readonly neighbor: string }): Promise<Exabgp> {
    const directory = join(host.lan.directory, `exabgp-${host.name}`);
    await mkdir(directory);
    const [file, helper, log, fifo] = ['exabgp.conf', 'helper.py', 'messages.json', 'commands'].map(name => join(directory, name)) as [
      string,
      string,
      string,
      string,
    ];
    await writeFile(helper, HELPER);
    await chmod(helper, 0o755);
    await writeFile(log, '');
    await run('mkfifo', [fifo]);
    await writeFile(
      file,
      `process ctl { run ${helper} ${log} ${fifo}; encoder json; }
neighbor ${options.peer} {
  local-address ${options.local};
  ${options.neighbor}
  api { processes [ ctl ]; neighbor-changes; receive { parsed; packets; consolidate; open; update; keepalive; refresh; } }
}
`,
    );
    const env = {
      'exabgp.daemon.user': 'root',
      'exabgp.daemon.drop': 'false',
      'exabgp.api.cli': 'false',
      'exabgp.log.level': 'INFO',
      'exabgp.tcp.bind': options.local,
      'exabgp.tcp.port': '179',
    };
    const daemon = host.start('exabgp', [file], { log: join(directory, 'exabgp.out'), env });
    return new Exabgp(host, daemon, log, fifo);
  }

  /** Everything it has told so far. What is not JSON (ExaBGP writes such for route refreshes) is left out. */
  async messages(): Promise<ExabgpMessage[]> {
    const text = await readFile(this.#log, 'utf8');
    return text.split('\n').flatMap(line => {
      try {
        return line === '' ? [] : [JSON.parse(line) as ExabgpMessage];
      } catch {
        return [];
      }
    });
  }

  /** Whole messages of a type that it has received, in hex. */
  async received(type: 'open' | 'update' | 'keepalive'): Promise<string[]> {
    return (await this.messages())
      .filter(message => message.type === type && message.neighbor?.direction === 'receive')
      .map(({ header = '', body = '' }) => `${header.slice(2)}${body.slice(2)}`.toLowerCase())
      .filter(hex => hex !== '');
  }

  /** Gives it a command, such as `neighbor 10.0.0.1 announce route …`. */
  async command(line: string): Promise<void> {
    await writeFile(this.#fifo, `${line}\n`);
  }

  async waitUp(): Promise<void> {
    await until('ExaBGP is up', async () => (await this.messages()).some(message => message.neighbor?.state === 'up'), {
      explain: () => this.daemon.output,
    });
  }
}
