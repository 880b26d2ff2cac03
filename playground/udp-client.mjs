// Sends a numbered datagram every INTERVAL ms and notes which are answered. When its standard input closes it waits for late answers and prints one
// JSON line: {sent, answered, blackouts: [{at, ms, lost}]}, a blackout being a run of datagrams without an answer, from the sending of the first lost
// one to the sending of the first answered one. Usage: udp-client.mjs ADDRESS PORT INTERVAL
import dgram from 'node:dgram';

const [address, port, interval] = process.argv.slice(2);
const socket = dgram.createSocket(address.includes(':') ? 'udp6' : 'udp4');
const sentAt = [];
const answered = [];
socket.on('error', () => undefined);
socket.on('message', data => {
  const number = Number(data.toString().split(' ').at(-1));
  if (Number.isInteger(number)) answered[number] = true;
});
await new Promise(resolve => socket.bind(0, resolve));
let next = performance.now();
const tick = () => {
  // Catches up after a pause, so that the spacing holds on average.
  for (let burst = 0; next <= performance.now() && burst < 50; burst++, next += Number(interval)) {
    const number = sentAt.length;
    sentAt.push(performance.timeOrigin + performance.now());
    socket.send(`probe ${number}`, Number(port), address);
  }
  if (performance.now() - next > 1_000) next = performance.now();
};
const timer = setInterval(tick, 1);
console.log('ready');

process.stdin.resume().on('end', () => {
  clearInterval(timer);
  setTimeout(() => {
    const blackouts = [];
    let first = -1;
    for (let i = 0; i < sentAt.length; i++) {
      if (!answered[i] && first < 0) first = i;
      if (answered[i] && first >= 0) {
        blackouts.push({ at: sentAt[first], ms: sentAt[i] - sentAt[first], lost: i - first });
        first = -1;
      }
    }
    if (first >= 0) blackouts.push({ at: sentAt[first], ms: sentAt.at(-1) - sentAt[first], lost: sentAt.length - first });
    process.stdout.write(`${JSON.stringify({ sent: sentAt.length, answered: answered.filter(Boolean).length, blackouts })}\n`, () =>
      process.exit(0),
    );
  }, 700);
});
