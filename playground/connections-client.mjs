// Long-lived and new connections to addresses, and what became of them. Per address: TCP connections that send a byte every 100 ms and want it
// back, UDP flows that do the same with numbered datagrams, and a new TCP connection with a question and an answer every NEW ms.
// A TCP connection is broken when it is reset or closed, or when nothing comes back for SILENCE ms; a UDP flow when another pod answers it than
// before, or nobody for SILENCE ms; a new connection has failed when it is refused or reset, or has no answer after SILENCE ms.
// Standard input: `report` asks for one JSON line about the time since the last one, after which what was broken is opened again; `pause` ends all
// connections in good order and opens no new ones until `resume`; both are answered by `done`.
// Usage: connections-client.mjs '{"targets": [{"name", "address", "port"}], "tcp", "udp", "interval", "fresh", "silence"}'
import dgram from 'node:dgram';
import { connect } from 'node:net';
import { createInterface } from 'node:readline';

const { targets, tcp, udp, interval, fresh, silence } = JSON.parse(process.argv[2]);
const now = () => performance.timeOrigin + performance.now();

/** The longest silence since it was last told: the time from the first unanswered question to the answer. */
class Gap {
  #since = 0;
  longest = 0;

  asked() {
    this.#since ||= now();
  }

  answered() {
    if (this.#since > 0) this.longest = Math.max(this.longest, now() - this.#since);
    this.#since = 0;
  }

  get open() {
    return this.#since > 0 ? now() - this.#since : 0;
  }

  take() {
    const longest = Math.max(this.longest, this.open);
    this.longest = 0;
    return longest;
  }
}

/** What an established connection and a flow have in common. */
class Lasting {
  gap = new Gap();
  /** Why it is broken. */
  broken;
  ready = false;
  over = false;
  brokenAt = 0;

  break(reason) {
    if (this.broken !== undefined || this.over) return;
    this.broken = reason;
    this.brokenAt = now();
    this.close();
  }

  ask() {
    if (this.broken !== undefined || !this.ready || this.over) return;
    if (this.gap.open > silence) return this.break(`nothing came back for ${silence} ms`);
    this.gap.asked();
    this.send();
  }
}

class Connection extends Lasting {
  sent = 0;
  received = 0;
  #socket;

  constructor({ address, port }) {
    super();
    this.#socket = connect({ host: address, port, noDelay: true }, () => {
      this.#socket.write('echo\n');
      this.ready = true;
      this.ask();
    });
    this.#socket.on('data', data => {
      this.received += data.length;
      if (this.received >= this.sent) this.gap.answered();
    });
    this.#socket.on('error', error => this.break(error.code));
    this.#socket.on('close', () => this.break('closed'));
  }

  send() {
    this.sent += 1;
    this.#socket.write('.');
  }

  end() {
    this.over = true;
    if (this.broken === undefined) this.#socket.end();
  }

  close() {
    this.#socket.destroy();
  }
}

class Flow extends Lasting {
  sent = 0;
  lost = 0;
  #answered = 0;
  #pod;
  #socket;

  constructor({ address, port }) {
    super();
    this.#socket = dgram.createSocket(address.includes(':') ? 'udp6' : 'udp4');
    // Errors pass, such as an ICMP that a node sent because its rules were not loaded yet: silence counts.
    this.#socket.on('error', () => undefined);
    this.#socket.on('message', data => {
      const [pod, number] = data.toString().split(' ');
      this.#pod ??= pod;
      if (pod !== this.#pod) this.break(`answered by ${pod}, before by ${this.#pod}`);
      if (Number(number) <= this.#answered) return;
      this.lost += Number(number) - this.#answered - 1;
      this.#answered = Number(number);
      this.gap.answered();
    });
    this.#socket.connect(port, address, () => {
      this.ready = true;
      this.ask();
    });
  }

  send() {
    this.sent += 1;
    this.#socket.send(String(this.sent), () => undefined);
  }

  end() {
    this.over = true;
    if (this.broken === undefined) this.close();
  }

  take() {
    const { lost } = this;
    this.lost = 0;
    return lost;
  }

  close() {
    this.#socket.close();
  }
}

/** Connections opened one after the other, each with one question. */
class Fresh {
  #open = new Set();
  #done = [];

  ask({ address, port }) {
    const at = now();
    const socket = connect({ host: address, port, noDelay: true }, () => socket.end('echo\n?'));
    const attempt = { at };
    const done = reason => {
      if (!this.#open.delete(attempt)) return;
      clearTimeout(late);
      this.#done.push({ at, ms: now() - at, reason });
      socket.destroy();
    };
    const late = setTimeout(() => done(`no answer after ${silence} ms`), silence);
    this.#open.add(attempt);
    socket.on('data', () => done());
    socket.on('error', error => done(error.code));
    socket.on('close', () => done('closed without an answer'));
  }

  take() {
    const done = this.#done;
    this.#done = [];
    return done;
  }
}

function lasting(list, count) {
  return {
    open: count,
    broken: list.flatMap(({ broken, brokenAt }) => (broken === undefined ? [] : [{ at: brokenAt, reason: broken }])),
    longestGapMs: Math.max(0, ...list.map(({ gap }) => gap.take())),
  };
}

class Target {
  #target;
  #fresh = new Fresh();

  #paused = false;
  #connections = [];
  #flows = [];
  /** Ended by a pause since the last report. */
  #ended = { connections: [], flows: [] };

  constructor(target) {
    this.#target = target;
    this.resume();
    // Not all in the same moment: spread over the interval.
    for (const [index, each] of [...this.#connections.keys(), ...this.#flows.keys()].entries())
      setTimeout(() => this.#askAgain(index < tcp ? 'connections' : 'flows', each), (interval * index) / (tcp + udp));
    if (fresh > 0) setInterval(() => this.#paused || this.#fresh.ask(target), fresh);
  }

  #askAgain(kind, index) {
    const one = () => (kind === 'flows' ? this.#flows : this.#connections)[index]?.ask();
    one();
    setInterval(one, interval);
  }

  pause() {
    this.#paused = true;
    for (const each of [...this.#connections, ...this.#flows]) each.end();
    this.#ended.connections.push(...this.#connections.splice(0));
    this.#ended.flows.push(...this.#flows.splice(0));
  }

  resume() {
    this.#paused = false;
    this.#connections = Array.from({ length: tcp }, () => new Connection(this.#target));
    this.#flows = Array.from({ length: udp }, () => new Flow(this.#target));
  }

  get settled() {
    return [...this.#connections, ...this.#flows].every(each => each.broken !== undefined || (each.ready && each.gap.open === 0));
  }

  report() {
    const done = this.#fresh.take();
    const connections = [...this.#ended.connections.splice(0), ...this.#connections];
    const flows = [...this.#ended.flows.splice(0), ...this.#flows];
    const report = {
      name: this.#target.name,
      tcp: lasting(connections, tcp),
      udp: { ...lasting(flows, udp), lost: flows.reduce((sum, flow) => sum + flow.take(), 0) },
      fresh: {
        opened: done.length,
        failed: done.flatMap(({ at, reason }) => (reason === undefined ? [] : [{ at, reason }])),
        answered: done.filter(({ reason }) => reason === undefined).map(({ at, ms }) => ({ at, ms })),
      },
    };
    this.#connections = this.#connections.map(each => (each.broken === undefined ? each : new Connection(this.#target)));
    this.#flows = this.#flows.map(each => (each.broken === undefined ? each : new Flow(this.#target)));
    return report;
  }
}

const all = targets.map(target => new Target(target));
const settling = setInterval(() => {
  if (!all.every(target => target.settled)) return;
  clearInterval(settling);
  console.log('ready');
}, 20);
const verbs = {
  report: () => JSON.stringify(all.map(target => target.report())),
  pause: () => (all.map(target => target.pause()), 'done'),
  resume: () => (all.map(target => target.resume()), 'done'),
};
createInterface(process.stdin)
  .on('line', line => process.stdout.write(`${verbs[line]()}\n`))
  .on('close', () => process.exit(0));
