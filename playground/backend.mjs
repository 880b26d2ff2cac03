// The pods of one node: an HTTP server on each address and port given as "name|node|address|port". Plain JavaScript, so that it starts at once.
// GET / answers who answered; ?delay=MS answers late; a connection that sends "echo\n" first gets every byte back (for long-lived connections).

import dgram from 'node:dgram';
import { createServer } from 'node:http';
import { createServer as createTcp } from 'node:net';

const started = process.argv.slice(2).map(spec => {
  const [name, node, address, port] = spec.split('|');
  const http = createServer((request, response) => {
    const delay = Number(new URL(request.url ?? '/', 'http://pod').searchParams.get('delay') ?? 0);
    setTimeout(
      () => {
        response.setHeader('content-type', 'text/plain');
        response.end(`${name} on ${node}, client ${request.socket.remoteAddress}\n`);
      },
      Math.min(delay, 60_000),
    );
  });
  // Raw connections: the first bytes decide between HTTP and echo.
  const tcp = createTcp(socket => {
    socket.on('error', () => undefined);
    socket.once('data', chunk => {
      if (chunk.subarray(0, 5).toString() === 'echo\n') {
        socket.write(chunk.subarray(5));
        socket.on('data', data => socket.write(data));
      } else {
        http.emit('connection', socket);
        socket.unshift(chunk);
        socket.resume();
      }
    });
  });
  const udp = dgram.createSocket({ type: address.includes(':') ? 'udp6' : 'udp4' });
  udp.on('message', (data, from) => udp.send(data.length ? Buffer.concat([Buffer.from(`${name} `), data]) : name, from.port, from.address));
  return Promise.all([
    new Promise((resolve, reject) => tcp.once('error', reject).listen(Number(port), address, resolve)),
    new Promise((resolve, reject) => udp.once('error', reject).bind(Number(port), address, resolve)).then(() =>
      udp.setRecvBufferSize(4 << 20),
    ),
  ]);
});
await Promise.all(started);
console.log('ready');
