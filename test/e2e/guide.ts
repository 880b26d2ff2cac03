/**
 * A guide (`docs/guides/*.md`) as a script. What a reader sees is what is run; HTML comments, which a reader does not see, tell the rest:
 *
 * - `<!-- playground: nodes=3 router metallb pods -->` on top: what the guide needs. `nodes=N` (3 unless told), `router` (FRR on the LAN's
 *   router), `pods` (nginx, kubia and test1 on dn1 and dn2), `bare` (no Herald yet: `helm install` starts it), `metallb` (bare, with MetalLB's
 *   kinds and stand-ins of its programs). `<!-- playground: none -->`: nothing but the `herald` command.
 * - `<!-- wait: 30 -->` before a block: each of its commands is repeated for so many seconds until the output matches. Commands that only look
 *   (`kubectl get`, `curl`, …) are repeated for 20 s without being told.
 * - `<!-- exit: 1 -->` before a block: the exit code of its last command.
 * - `<!-- run: COMMAND -->`: what the text asks the reader to do by hand, such as `herald playground fail dn1` for a node that loses its power.
 *
 * In a `console` block each line that begins with `$ ` is a command; a line that ends with a backslash goes on, and `<<EOF` takes the lines until
 * `EOF`. The lines behind it are its output: `…` stands for anything within a line, a line of `…` for any lines; the number of blanks is of no
 * account, nor is the length of an age such as `12s`. Without such lines only the exit code counts. A block `yaml title=NAME.yaml` (or of
 * another language) is written to that file first.
 */
export interface Guide {
  readonly needs: Needs;
  readonly steps: readonly Step[];
}

export interface Needs {
  /** Number of nodes; 0: no playground. */
  readonly nodes: number;
  readonly router: boolean;
  readonly pods: boolean;
  readonly metallb: boolean;
  /** Without Herald. */
  readonly bare: boolean;
}

export type Step = FileStep | CommandStep;

export interface FileStep {
  readonly kind: 'file';
  readonly line: number;
  readonly name: string;
  readonly text: string;
}

export interface CommandStep {
  readonly kind: 'command';
  /** Line of the guide, from 1. */
  readonly line: number;
  readonly command: string;
  /** Lines that the output must have; undefined: anything will do. */
  readonly output: readonly string[] | undefined;
  /** Seconds within which it must match; 0: at the first try. */
  readonly wait: number;
  readonly exit: number;
}

/** How long what only looks is repeated (s). */
const LOOK = 20;

/** Commands that change nothing, so that they may be repeated. */
const looks = [
  /^kubectl( -n \S+| --namespace[ =]\S+)* (get|describe|logs|events|wait|top|explain|version|api-resources|auth)\b/,
  /^kubectl( -n \S+)* rollout status\b/,
  /^(curl|ping|arping|dig|nc|ip|helm (list|status|get|show))\b/,
  /^(herald|kubectl herald) (status|explain|services|pools|events|check|lint|bgp|node|why|version|--version)\b/,
  /^ssh \S+ (ip|curl|vtysh|nft list|cat|arping|ping|ss)\b/,
];

/** @throws Error that names the line of what cannot be understood */
export function parseGuide(text: string): Guide {
  const lines = text.split('\n');
  const steps: Step[] = [];
  let needs: Needs | undefined;
  let wait: number | undefined;
  let exit = 0;
  for (let index = 0; index < lines.length; index++) {
    const line = lines[index] ?? '';
    const comment = /^<!-- *(playground|wait|exit|run): *(.*?) *-->$/.exec(line.trim());
    if (comment !== null) {
      const [, name, value = ''] = comment;
      if (name === 'playground') needs = parseNeeds(value, index + 1);
      else if (name === 'wait') wait = wholeNumber(value, index + 1);
      else if (name === 'exit') exit = wholeNumber(value, index + 1);
      else steps.push({ kind: 'command', line: index + 1, command: value, output: undefined, wait: wait ?? 0, exit });
      if (name === 'run') [wait, exit] = [undefined, 0];
      continue;
    }
    const fence = /^( *)(`{3,})(\S*) *(.*)$/.exec(line);
    if (fence === null) continue;
    const [, indent = '', ticks = '', language = '', info = ''] = fence;
    const first = index + 1;
    const body: string[] = [];
    for (index++; index < lines.length && (lines[index] ?? '').trimEnd() !== `${indent}${ticks}`; index++)
      body.push((lines[index] ?? '').startsWith(indent) ? (lines[index] ?? '').slice(indent.length) : (lines[index] ?? ''));
    if (index === lines.length) throw new Error(`line ${first}: this block is not closed`);
    const title = /(?:^|\s)title=(\S+)/.exec(info)?.[1];
    if (title !== undefined) steps.push({ kind: 'file', line: first, name: fileName(title, first), text: `${body.join('\n')}\n` });
    else if (language === 'console') steps.push(...commands(body, first + 1, wait, exit));
    if (language === 'console') [wait, exit] = [undefined, 0];
  }
  return { needs: needs ?? parseNeeds('', 1), steps };
}

function parseNeeds(text: string, line: number): Needs {
  const words = text.split(/\s+/).filter(word => word !== '');
  let nodes = 3;
  const flags = new Set<string>();
  for (const word of words) {
    const count = /^nodes=(\d+)$/.exec(word)?.[1];
    if (count !== undefined) nodes = Number(count);
    else if (['router', 'pods', 'metallb', 'bare', 'none'].includes(word)) flags.add(word);
    else throw new Error(`line ${line}: a playground knows nodes=N, router, pods, bare, metallb and none, not ${word}`);
  }
  const metallb = flags.has('metallb');
  return {
    nodes: flags.has('none') ? 0 : nodes,
    router: flags.has('router'),
    pods: flags.has('pods'),
    metallb,
    bare: metallb || flags.has('bare'),
  };
}

/** The commands of a console block with their outputs. */
function commands(body: readonly string[], first: number, wait: number | undefined, exit: number): CommandStep[] {
  const found: { line: number; command: string; output: string[] }[] = [];
  for (let index = 0; index < body.length; index++) {
    const line = body[index] ?? '';
    if (!line.startsWith('$ ')) {
      const last = found.at(-1);
      if (last === undefined) {
        if (line.trim() !== '') throw new Error(`line ${first + index}: output without a command; a command begins with "$ "`);
      } else last.output.push(line);
      continue;
    }
    const words = [line.slice(2)];
    const start = index;
    while ((words.at(-1) ?? '').endsWith('\\') && index + 1 < body.length) words.push((body[++index] ?? '').replace(/^> /, ''));
    const until = /<<-? *'?(\w+)'?/.exec(words.join('\n'))?.[1];
    if (until !== undefined) {
      do words.push(body[++index] ?? '');
      while (index < body.length && body[index] !== until);
      if (index >= body.length) throw new Error(`line ${first + start}: nothing ends the text that ${until} begins`);
    }
    found.push({ line: first + start, command: words.join('\n'), output: [] });
  }
  return found.map(({ line, command, output }, index) => {
    const expected = output.filter(text => text.trim() !== '');
    return {
      kind: 'command',
      line,
      command,
      output: expected.length === 0 ? undefined : expected,
      wait: wait ?? (onlyLooks(command) ? LOOK : 0),
      exit: index === found.length - 1 ? exit : 0,
    };
  });
}

function onlyLooks(command: string): boolean {
  return looks.some(pattern => pattern.test(command)) && !/[;&>]/.test(command);
}

function fileName(title: string, line: number): string {
  if (!/^[A-Za-z0-9][\w.-]*$/.test(title))
    throw new Error(`line ${line}: title=${title} is not the name of a file in the folder of the guide`);
  return title;
}

function wholeNumber(text: string, line: number): number {
  if (!/^\d+$/.test(text)) throw new Error(`line ${line}: ${JSON.stringify(text)} is not a number`);
  return Number(text);
}

/** The first line of `expected` that `actual` does not have in its place, or undefined when they match. */
export function mismatch(expected: readonly string[], actual: string): string | undefined {
  const lines = actual.split('\n').filter(line => line.trim() !== '');
  return matchFrom(expected, lines, 0, 0) ? undefined : firstMiss(expected, lines);
}

function matchFrom(expected: readonly string[], lines: readonly string[], i: number, j: number): boolean {
  for (; i < expected.length; i++, j++) {
    if ((expected[i] ?? '').trim() === '…') {
      if (i === expected.length - 1) return true;
      for (let skip = j; skip <= lines.length; skip++) if (matchFrom(expected, lines, i + 1, skip)) return true;
      return false;
    }
    if (j >= lines.length || !matchesLine(expected[i] ?? '', lines[j] ?? '')) return false;
  }
  return j === lines.length;
}

/** For the message: where the longest agreement ends. */
function firstMiss(expected: readonly string[], lines: readonly string[]): string {
  for (const line of expected) if (line.trim() !== '…' && !lines.some(actual => matchesLine(line, actual))) return line;
  return lines.length > expected.length ? 'no more lines than the guide shows' : 'the same lines in the same order';
}

const AGE = /^(\d+(\.\d+)?(d|h|m|s|ms))+$/;

export function matchesLine(expected: string, actual: string): boolean {
  const parts = plain(expected).split('…');
  if (parts.length === 1) return parts[0] === plain(actual);
  const pattern = parts.map(part => part.replaceAll(/[.*+?^${}()|[\]\\]/g, String.raw`\$&`)).join('.*');
  return new RegExp(`^${pattern.replace(/^ ?\.\* ?/, '.*').replace(/ ?\.\* ?$/, '.*')}$`, 's').test(plain(actual));
}

function plain(text: string): string {
  return text
    .trim()
    .split(/\s+/)
    .map(word => (AGE.test(word) ? '<age>' : word))
    .join(' ');
}
