import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, expect, it } from 'vitest';
import { Relay } from './relay.ts';

const cleanup: (() => unknown)[] = [];
afterEach(async () => {
  for (const step of cleanup.splice(0).reverse()) await step();
});

it('passes bytes both ways and cuts every connection when it closes', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'relay-'));
  cleanup.push(() => rmSync(directory, { recursive: true }));
  const echo = createServer(socket => socket.on('error', () => undefined).pipe(socket));
  await new Promise<void>(resolve => echo.listen(0, '127.0.0.1', resolve));
  cleanup.push(() => new Promise(resolve => echo.close(resolve)));
  const path = join(directory, 'sock');
  const relay = await Relay.start({ path }, { host: '127.0.0.1', port: (echo.address() as { port: number }).port });
  const socket = connect({ path });
  socket.write('hello');
  const [data] = (await once(socket, 'data')) as [Buffer];
  expect(data.toString()).toBe('hello');
  const closed = once(socket, 'close');
  await relay.close();
  await closed;
  await expect(once(connect({ path }), 'connect')).rejects.toThrow(/ENOENT|ECONNREFUSED/);
});
