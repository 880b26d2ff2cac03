import { readFileSync } from 'node:fs';

/** Herald's version: that of the package at the root. */
export const version = (JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as { version: string }).version;
