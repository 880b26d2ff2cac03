/** One call of a logger in the sources. */
export interface LogCall {
  level: string;
  message: string;
  keys: string[];
}

const LEVELS = 'trace|debug|info|warn|error|fatal';
const CALL = new RegExp(String.raw`(?:[lL]ogger\.(${LEVELS})\(|\b(?:log|options\.log)\('(${LEVELS})', )`, 'g');

/** One of two texts. */
const CHOICE = /\?\s*('(?:[^'\\]|\\.)*')\s*:\s*('(?:[^'\\]|\\.)*')$/;

/** The calls with a fixed message. What is only the text of an error or of another part has none, and is left out. */
export function logCalls(source: string): LogCall[] {
  const calls: LogCall[] = [];
  for (const match of source.matchAll(CALL)) {
    const level = match[1] ?? match[2] ?? '';
    const args = split(inside(source, match.index + match[0].length));
    const text = args.find(arg => /^['`]/.test(arg));
    const choice = args.map(arg => CHOICE.exec(arg)).find(found => found !== null);
    const object = args.find(arg => arg.startsWith('{'));
    const keys = object === undefined ? [] : keysOf(object);
    for (const quoted of text === undefined ? (choice?.slice(1) ?? []) : [text]) {
      const message = quoted.includes('${') ? undefined : /^['`]([\s\S]*)['`]$/.exec(quoted)?.[1];
      if (message !== undefined) calls.push({ level, message: message.replaceAll("\\'", "'"), keys });
    }
  }
  return calls;
}

/** The text up to the bracket that closes the one before `from`. */
function inside(source: string, from: number): string {
  let depth = 0;
  let quote = '';
  for (let at = from; at < source.length; at++) {
    const char = source[at] ?? '';
    if (quote !== '') {
      if (char === '\\') at++;
      else if (char === quote) quote = '';
    } else if (/['"`]/.test(char)) quote = char;
    else if (/[([{]/.test(char)) depth++;
    else if (/[)\]}]/.test(char) && depth-- === 0) return source.slice(from, at);
  }
  return source.slice(from);
}

/** Splits at the commas that are in no bracket and no text. */
function split(text: string): string[] {
  const parts: string[] = [];
  for (let rest = text; rest.trim() !== ''; ) {
    let at = 0;
    while (at < rest.length && rest[at] !== ',') {
      const char = rest[at] ?? '';
      if (/[([{]/.test(char)) at += inside(rest, at + 1).length + 2;
      else if (/['"`]/.test(char)) {
        for (at++; at < rest.length && rest[at] !== char; at++) if (rest[at] === '\\') at++;
        at++;
      } else at++;
    }
    parts.push(rest.slice(0, at).trim());
    rest = rest.slice(at + 1);
  }
  return parts.filter(part => part !== '');
}

/** Names of the properties; those of a spread condition as well. */
function keysOf(object: string): string[] {
  return split(object.slice(1, -1)).flatMap(part => {
    if (!part.startsWith('...')) return [/^\w+/.exec(part)?.[0] ?? ''].filter(key => key !== '');
    const literal = part.lastIndexOf('{ ');
    return literal === -1 ? [] : keysOf(`{${inside(part, literal + 1)}}`);
  });
}
