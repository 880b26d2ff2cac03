import { connect, type Socket } from 'node:net';

/** Where an answer ends, and what of it is the text. */
export interface ControlProtocol {
  /** What to write for a command. */
  readonly encode: (command: string) => string;
  /** The answer, once all of it is there. */
  readonly complete: (received: string) => string | undefined;
  /** Sent first, one by one. */
  readonly greeting: readonly string[];
  /** The server speaks first. */
  readonly greets: boolean;
}

/** FRR's daemons: a command ends with a zero octet, an answer with three and a status. */
export const VTY: ControlProtocol = {
  encode: command => `${command}\0`,
  complete: received => (/\0\0\0[\s\S]$/.test(received) ? received.slice(0, -4) : undefined),
  greeting: ['enable'],
  greets: false,
};

/** BIRD: lines begin with a code; a code followed by a space ends the answer. */
export const BIRDC: ControlProtocol = {
  encode: command => `${command}\n`,
  complete: received => (/(^|\n)\d{4} [^\n]*\n$/.test(received) ? received : undefined),
  greeting: [],
  greets: true,
};

/** A daemon's control socket kept open: an answer takes a millisecond where a client program takes thirty. */
export class ControlSocket {
  readonly #socket: Socket;
  readonly #protocol: ControlProtocol;
  #received = '';
  #waiting: ((answer: string) => void) | undefined;

  private constructor(socket: Socket, protocol: ControlProtocol) {
    this.#socket = socket;
    this.#protocol = protocol;
    socket.setEncoding('latin1');
    socket.on('data', (text: string) => {
      this.#received += text;
      const answer = protocol.complete(this.#received);
      if (answer === undefined) return;
      this.#received = '';
      this.#waiting?.(answer);
    });
  }

  static async open(path: string, protocol: ControlProtocol): Promise<ControlSocket> {
    const socket = connect(path);
    await new Promise<void>((resolve, reject) => {
      socket.once('connect', () => resolve());
      socket.once('error', reject);
    });
    const control = new ControlSocket(socket, protocol);
    if (protocol.greets) await control.#answer();
    for (const command of protocol.greeting) await control.ask(command);
    return control;
  }

  /** One command at a time. */
  async ask(command: string): Promise<string> {
    const answer = this.#answer();
    this.#socket.write(this.#protocol.encode(command));
    return await answer;
  }

  close(): void {
    this.#socket.destroy();
  }

  #answer(): Promise<string> {
    return new Promise(resolve => {
      this.#waiting = resolve;
    });
  }
}
