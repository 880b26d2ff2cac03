import { readFileSync, writeFileSync } from 'node:fs';

/**
 * `npm run lock`: names in package-lock.json the optional packages of other platforms that npm left out because the registry it asked did not have
 * them. `npm ci` refuses a lock file without them, on every platform, and does not fetch them on this one.
 */
interface Entry {
  version?: string;
  dev?: boolean;
  optional?: boolean;
  os?: string[];
  cpu?: string[];
  libc?: string[];
  optionalDependencies?: Record<string, string>;
}

const SYSTEMS = ['android', 'darwin', 'freebsd', 'linux', 'openharmony', 'win32'];
const PROCESSORS = ['arm64', 'arm', 'ia32', 'ppc64', 'riscv64', 's390x', 'x64'];

const file = new URL('../package-lock.json', import.meta.url);
const lock = JSON.parse(readFileSync(file, 'utf8')) as { packages: Record<string, Entry> };
let added = 0;
for (const entry of Object.values(lock.packages)) {
  for (const [name, version] of Object.entries(entry.optionalDependencies ?? {})) {
    const path = `node_modules/${name}`;
    const words = name.split('/').at(-1)?.split('-') ?? [];
    const os = SYSTEMS.find(system => words.includes(system));
    const cpu = PROCESSORS.find(processor => words.includes(processor));
    if (path in lock.packages || os === undefined || cpu === undefined || !/^\d/.test(version)) continue;
    const libc = words.some(word => word.startsWith('musl'))
      ? ['musl']
      : words.some(word => word.startsWith('gnu'))
        ? ['glibc']
        : undefined;
    lock.packages[path] = { version, cpu: [cpu], ...(entry.dev ? { dev: true } : {}), optional: true, os: [os], ...(libc ? { libc } : {}) };
    added++;
  }
}
lock.packages = Object.fromEntries(Object.entries(lock.packages).sort(([a], [b]) => (a < b ? -1 : 1)));
writeFileSync(file, `${JSON.stringify(lock, null, 2)}\n`);
console.log(added === 0 ? 'package-lock.json is complete' : `package-lock.json: added ${added} optional packages of other platforms`);
