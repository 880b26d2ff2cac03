import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Registry } from 'prom-client';
import type { ListenAddress } from './flags.ts';

export interface ProbeServerOptions {
  listen: ListenAddress;
  /** Why the process should be restarted, or null while it is well. Default: always well. */
  live?: () => string | null;
  /** Why the process cannot work yet, or null when it can. */
  ready: () => string | null;
  registry: Registry;
}

export interface ProbeServer {
  /** The port it listens on. */
  port: number;
  close(): Promise<void>;
}

/** Serves `/healthz`, `/readyz` and `/metrics` (Prometheus text or OpenMetrics). Fails with a clear error when the port is taken. */
export async function startProbeServer(options: ProbeServerOptions): Promise<ProbeServer> {
  const { listen, registry } = options;
  const server = createServer((request, response) => {
    const path = (request.url ?? '/').split('?')[0];
    if (request.method !== 'GET' && request.method !== 'HEAD') return answer(response, 405, 'only GET\n');
    switch (path) {
      case '/healthz':
      case '/livez':
        return probe(response, options.live?.() ?? null);
      case '/readyz':
        return probe(response, options.ready());
      case '/metrics':
        registry.metrics().then(
          text => answer(response, 200, text, registry.contentType),
          (error: unknown) => answer(response, 500, `${String(error)}\n`),
        );
        return;
      default:
        return answer(response, 404, 'there are /healthz, /readyz and /metrics\n');
    }
  });
  server.requestTimeout = 10_000;
  await new Promise<void>((resolve, reject) => {
    server.once('error', error => {
      const where = `${listen.host ?? ''}:${listen.port}`;
      reject(
        new Error(`cannot listen on ${where} for probes and metrics: ${error.message}; choose another --http-address`, { cause: error }),
      );
    });
    server.listen({ port: listen.port, ...(listen.host === undefined ? {} : { host: listen.host }) }, resolve);
  });
  return {
    port: (server.address() as AddressInfo).port,
    close: () =>
      new Promise(resolve => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

function probe(response: ServerResponse, problem: string | null): void {
  if (problem === null) answer(response, 200, 'ok\n');
  else answer(response, 503, `${problem}\n`);
}

function answer(response: ServerResponse, status: number, body: string, contentType = 'text/plain; charset=utf-8'): void {
  response.writeHead(status, { 'content-type': contentType });
  response.end(body);
}
