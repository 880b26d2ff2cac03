// A client that knows an address and a port and nothing else: opens a new HTTP request every INTERVAL ms and prints one line per answer:
// "<ms since the epoch> <status or error> <first line of the body>". Ends after DURATION ms. Usage: probe.mjs ADDRESS PORT INTERVAL DURATION
import { request } from 'node:http';

const [address, port, interval, duration] = process.argv.slice(2);
const until = Date.now() + Number(duration);
const open = new Set();
const one = () => {
  const outgoing = request({ host: address, port: Number(port), path: '/', agent: false, timeout: 1_000 }, response => {
    let body = '';
    response.on('data', chunk => (body += chunk));
    response.on('end', () => done(`${response.statusCode} ${body.trim()}`));
    response.on('error', error => done(`error ${error.code}`));
  });
  const done = text => {
    if (!open.delete(outgoing)) return;
    process.stdout.write(`${Date.now()} ${text}\n`);
  };
  open.add(outgoing);
  outgoing.on('timeout', () => outgoing.destroy(Object.assign(new Error('timeout'), { code: 'ETIMEDOUT' })));
  outgoing.on('error', error => done(`error ${error.code}`));
  outgoing.end();
};
one();
const timer = setInterval(() => (Date.now() < until ? one() : clearInterval(timer)), Number(interval));
