import { EventEmitter } from 'node:events';
import { describe, expect, it } from 'vitest';
import {
  apiCallMetrics,
  createLogger,
  createRegistry,
  envName,
  parseBoolean,
  parseDuration,
  parseInteger,
  parseListenAddress,
  queueMetrics,
  startProbeServer,
  stopSignal,
} from './index.ts';

describe('flags', () => {
  it.each([
    ['--node-name <name>', 'HERALD_NODE_NAME'],
    ['-k, --kubeconfig <file>', 'HERALD_KUBECONFIG'],
    ['--no-leader-elect', 'HERALD_LEADER_ELECT'],
  ])('%s is %s', (flags, env) => expect(envName(flags)).toBe(env));

  it.each([
    ['15s', 15_000],
    ['300ms', 300],
    ['1m30s', 90_000],
    ['1.5h', 5_400_000],
    ['0', 0],
  ])('duration %s', (text, ms) => expect(parseDuration('--x', text)).toBe(ms));

  it.each(['', '15', 's', '15 s', '1d', '-1s', '1s1'])('duration %j is refused', text => {
    expect(() => parseDuration('--lease', text)).toThrow('--lease');
  });

  it.each([
    [':9120', { host: undefined, port: 9120 }],
    ['9120', { host: undefined, port: 9120 }],
    ['127.0.0.1:0', { host: '127.0.0.1', port: 0 }],
    ['[::1]:80', { host: '::1', port: 80 }],
    ['off', undefined],
  ])('address %s', (text, address) => expect(parseListenAddress('--http-address', text)).toEqual(address));

  it.each(['x', 'a:b', '::1:80', ':70000', '1:2:3'])('address %j is refused', text => {
    expect(() => parseListenAddress('--http-address', text)).toThrow('--http-address');
  });

  it('booleans are true or false and nothing else', () => {
    expect(parseBoolean('--x', 'false')).toBe(false);
    expect(() => parseBoolean('--x', 'no')).toThrow('--x');
  });

  it.each(['x', '-1', '1.5', '11', ''])('integer %j is refused', text =>
    expect(() => parseInteger('--n', text, 0, 10)).toThrow('from 0 to 10'),
  );
});

describe('createLogger', () => {
  it('writes JSON lines without credentials', () => {
    const lines: string[] = [];
    const log = createLogger({ component: 'controller', level: 'info', to: { write: line => void lines.push(line) } });
    log.debug('not this');
    log.info({ token: 'hush', request: { headers: { authorization: 'hush' } }, key: 'shop/web' }, 'assigned');
    expect(lines.length).toBe(1);
    expect(JSON.parse(lines[0] ?? '')).toMatchObject({ level: 'info', component: 'controller', key: 'shop/web', msg: 'assigned' });
    expect(lines[0]).not.toContain('hush');
  });
});

describe('stopSignal', () => {
  it('aborts on the first signal, calls on the second, and lets go', () => {
    const target = new EventEmitter();
    let second = 0;
    const stop = stopSignal(target as NodeJS.Process, { onSecond: () => second++ });
    target.emit('SIGTERM', 'SIGTERM');
    expect(stop.signal.aborted).toBe(true);
    expect(stop.signal.reason).toBe('SIGTERM');
    target.emit('SIGINT', 'SIGINT');
    expect(second).toBe(1);
    stop.dispose();
    expect(target.listenerCount('SIGTERM')).toBe(0);
  });
});

describe('startProbeServer', () => {
  it('tells health, readiness and metrics', async () => {
    const registry = createRegistry({ component: 'controller', version: '0.1.0' });
    apiCallMetrics(registry)({ verb: 'get', resource: 'services', code: '200', durationMs: 3 });
    queueMetrics(registry)('services').depth(4);
    let problem: string | null = 'waiting for Services';
    const server = await startProbeServer({ listen: { host: '127.0.0.1', port: 0 }, ready: () => problem, registry });
    try {
      const get = async (path: string, method = 'GET') => {
        const response = await fetch(`http://127.0.0.1:${server.port}${path}`, { method });
        return `${response.status} ${await response.text()}`;
      };
      expect(await get('/healthz')).toBe('200 ok\n');
      expect(await get('/readyz')).toBe('503 waiting for Services\n');
      problem = null;
      expect(await get('/readyz?verbose')).toBe('200 ok\n');
      expect(await get('/other')).toMatch(/^404/);
      expect(await get('/healthz', 'POST')).toMatch(/^405/);
      const metrics = await get('/metrics');
      expect(metrics).toContain('herald_build_info{component="controller",version="0.1.0"} 1');
      expect(metrics).toContain('herald_api_requests_total{verb="get",resource="services",code="200"} 1');
      expect(metrics).toContain('herald_workqueue_depth{name="services"} 4');
      expect(metrics).toContain('process_resident_memory_bytes');
      await expect(startProbeServer({ listen: { host: '127.0.0.1', port: server.port }, ready: () => null, registry })).rejects.toThrow(
        '--http-address',
      );
    } finally {
      await server.close();
    }
  });
});
