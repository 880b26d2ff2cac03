import { type ClientHttp2Session, connect as connectHttp2 } from 'node:http2';
import { connect } from 'node:net';

/** Protocol buffers: the little of them that GoBGP's API needs. */
type Field = readonly [tag: number, value: number | string | Uint8Array];

function varint(value: number): number[] {
  const out: number[] = [];
  for (let rest = value; ; rest >>>= 7) {
    if (rest < 128) return [...out, rest];
    out.push((rest & 127) | 128);
  }
}

function message(...fields: readonly Field[]): Uint8Array {
  return Buffer.concat(
    fields.map(([tag, value]) => {
      if (typeof value === 'number') return Buffer.from([tag << 3, ...varint(value)]);
      const bytes = Buffer.from(value);
      return Buffer.concat([Buffer.from([(tag << 3) | 2, ...varint(bytes.length)]), bytes]);
    }),
  );
}

const any = (type: string, value: Uint8Array) => message([1, `type.googleapis.com/apipb.${type}`], [2, value]);

export interface GobgpPath {
  readonly address: string;
  readonly nextHop: string;
  readonly med?: number;
  readonly withdraw?: boolean;
}

/** A /32 with ORIGIN IGP. */
function encodePath({ address, nextHop, med, withdraw }: GobgpPath): Uint8Array {
  return message(
    [1, any('IPAddressPrefix', message([1, 32], [2, address]))],
    [2, any('OriginAttribute', message([1, 0]))],
    [2, any('NextHopAttribute', message([1, nextHop]))],
    ...(med === undefined ? [] : [[2, any('MultiExitDiscAttribute', message([1, med]))] as const]),
    ...(withdraw ? [[5, 1] as const] : []),
    [9, message([1, 1], [2, 1])],
  );
}

/** GoBGP's own API (gRPC) over a connection that is kept: what a program that embeds or drives it pays, without the start of a client program. */
export class GobgpApi {
  readonly #session: ClientHttp2Session;

  constructor(socket: string) {
    this.#session = connectHttp2('http://localhost', { createConnection: () => connect(socket) });
    this.#session.on('error', () => {});
  }

  /** The body of {@link GobgpApi.send}: made before the clock starts. */
  static request(paths: readonly GobgpPath[]): Uint8Array {
    const body = message(...paths.map(path => [3, encodePath(path)] as const));
    const head = Buffer.alloc(5);
    head.writeUInt32BE(body.length, 1);
    return Buffer.concat([head, body]);
  }

  /** AddPathStream with all paths in one message: the quickest it offers. Resolves when it has taken them. */
  async send(request: Uint8Array): Promise<void> {
    const stream = this.#session.request({
      ':method': 'POST',
      ':path': '/apipb.GobgpApi/AddPathStream',
      'content-type': 'application/grpc',
      te: 'trailers',
    });
    await new Promise<void>((resolve, reject) => {
      const judge = (headers: Record<string, unknown>) => {
        const status = headers['grpc-status'];
        if (status !== undefined && status !== '0') reject(new Error(`GoBGP answers ${JSON.stringify([status, headers['grpc-message']])}`));
      };
      stream.on('response', judge);
      stream.on('trailers', judge);
      stream.on('error', reject);
      stream.on('end', () => resolve());
      stream.resume();
      stream.end(request);
    });
  }

  close(): void {
    this.#session.close();
  }
}
