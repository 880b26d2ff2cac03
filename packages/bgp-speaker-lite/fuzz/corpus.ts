import { readFileSync } from 'node:fs';
import { fromHex } from '../src/codec/bytes.ts';

/** A named sample: real octets. */
export interface Sample {
  readonly name: string;
  readonly bytes: Uint8Array;
}

/** The samples of one committed file: a name and hexadecimal digits per line, `#` for comments. */
export function readCorpus(file: 'messages.txt' | 'bfd.txt' | 'frames.txt'): Sample[] {
  return readFileSync(new URL(`corpus/${file}`, import.meta.url), 'utf8')
    .split('\n')
    .filter(line => line.trim() !== '' && !line.startsWith('#'))
    .map(line => {
      const [name = '', ...digits] = line.trim().split(/\s+/);
      return { name, bytes: fromHex(digits.join('')) };
    });
}
