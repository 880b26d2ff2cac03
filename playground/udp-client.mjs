// Sends a numbered datagram to each address every INTERVAL ms and notes which are answered. Lines of standard input:
// `targets A,B` sends to other addresses from now on and forgets what was before; `silence` asks for the ms since the newest answered datagram of
// each address was sent; `report` waits for late answers and asks for what happened since the last report, or since `targets`.
// Each is answered by one line of JSON; when standard input closes the last line is a report.
// A report is a list, in the order of the addresses, of {sent, answered, blackouts: [{at, ms, lost}]}, a blackout being a run of datagrams without an
// answer, from the sending of the first lost one to the sending of the first answered one. Usage: udp-client.mjs ADDRESS[,ADDRESS] PORT INTERVAL
import dgram from 'node:dgram';
import { createInterface } from 'node:readline';

const [addresses, port, interval] = process.argv.slice(2);
/** An answer that takes longer is none (ms). */
const LATE = 700;

class Target {
  #socket;
  #sentAt = [];
  #answered = [];
  #newest = performance.timeOrigin + performance.now();

  constructor(address) {
    this.address = address;
    this.#socket = dgram.createSocket(address.includes(':') ? 'udp6' : 'udp4');
    this.#socket.on('error', () => undefined);
    this.#socket.on('message', data => {
      const number = Number(data.toString().split(' ').at(-1));
      if (!Number.isInteger(number)) return;
      this.#answered[number] = true;
      this.#newest = Math.max(this.#newest, this.#sentAt[number] ?? 0);
    });
    // Answers wait while this process does not run.
    this.#socket.bind(0, () => this.#socket.setRecvBufferSize(4 << 20));
  }

  send() {
    const number = this.#sentAt.length;
    this.#sentAt.push(performance.timeOrigin + performance.now());
    this.#socket.send(`probe ${number}`, Number(port), this.address, () => undefined);
  }

  get silence() {
    return performance.timeOrigin + performance.now() - this.#newest;
  }

  /** About the datagrams before `end`. */
  report(begin, end) {
    const sentAt = this.#sentAt;
    const asked = [...sentAt.keys()].filter(number => sentAt[number] >= begin && sentAt[number] < end);
    const blackouts = [];
    let first = -1;
    for (const number of asked) {
      if (!this.#answered[number] && first < 0) first = number;
      if (this.#answered[number] && first >= 0) {
        blackouts.push({ at: sentAt[first], ms: sentAt[number] - sentAt[first], lost: number - first });
        first = -1;
      }
    }
    const last = asked.at(-1);
    if (first >= 0) blackouts.push({ at: sentAt[first], ms: sentAt[last] - sentAt[first], lost: last + 1 - first });
    return { sent: asked.length, answered: asked.filter(number => this.#answered[number]).length, blackouts };
  }

  close() {
    this.#socket.close();
  }
}

let targets = addresses.split(',').map(address => new Target(address));
let begin = 0;
let next = performance.now();
const tick = () => {
  // Catches up after a pause, so that the spacing holds on average.
  for (let burst = 0; next <= performance.now() && burst < 50; burst++, next += Number(interval))
    for (const target of targets) target.send();
  if (performance.now() - next > 1_000) next = performance.now();
};
const timer = setInterval(tick, 1);
console.log('ready');

const report = () => {
  const end = performance.timeOrigin + performance.now();
  const asked = targets;
  const from = begin;
  begin = end;
  return new Promise(resolve => {
    setTimeout(() => resolve(asked.map(target => target.report(from, end))), LATE);
  });
};
const verbs = {
  targets: list => {
    for (const target of targets) target.close();
    targets = list.split(',').map(address => new Target(address));
    begin = 0;
    return [];
  },
  silence: () => targets.map(target => target.silence),
  report,
};
createInterface(process.stdin)
  .on('line', line => void obey(line))
  .on('close', () => void end());

async function obey(line) {
  const [verb, argument] = line.split(' ');
  process.stdout.write(`${JSON.stringify(await verbs[verb](argument))}\n`);
}

async function end() {
  clearInterval(timer);
  process.stdout.write(`${JSON.stringify(await report())}\n`, () => process.exit(0));
}
