/** Semantic versions (semver.org 2.0.0). */
export class CelSemver {
  readonly major: bigint;
  readonly minor: bigint;
  readonly patch: bigint;
  readonly pre: readonly string[];

  constructor(major: bigint, minor: bigint, patch: bigint, pre: readonly string[]) {
    this.major = major;
    this.minor = minor;
    this.patch = patch;
    this.pre = pre;
  }

  /** `normalize`: a leading `v`, missing parts and leading zeros are taken. */
  static parse(text: string, normalize = false): CelSemver | undefined {
    let source = text;
    if (normalize) {
      source = source.replace(/^v/, '');
      const [core = '', rest = ''] = /^([0-9.]*)(.*)$/.exec(source)?.slice(1) ?? [];
      const parts = core.split('.').map(p => p.replace(/^0+(?=\d)/, ''));
      while (parts.length < 3) parts.push('0');
      source = parts.join('.') + rest;
    }
    const m =
      /^(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)(?:-((?:0|[1-9]\d*|\d*[A-Za-z-][0-9A-Za-z-]*)(?:\.(?:0|[1-9]\d*|\d*[A-Za-z-][0-9A-Za-z-]*))*))?(?:\+[0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*)?$/.exec(
        source,
      );
    return m ? new CelSemver(BigInt(m[1] ?? 0), BigInt(m[2] ?? 0), BigInt(m[3] ?? 0), m[4]?.split('.') ?? []) : undefined;
  }

  /** Precedence: -1, 0 or 1. */
  compare(other: CelSemver): number {
    for (const part of ['major', 'minor', 'patch'] as const) if (this[part] !== other[part]) return this[part] < other[part] ? -1 : 1;
    if (this.pre.length === 0 || other.pre.length === 0) return Math.sign(other.pre.length - this.pre.length);
    for (let i = 0; i < Math.max(this.pre.length, other.pre.length); i++) {
      const a = this.pre[i];
      const b = other.pre[i];
      if (a === undefined || b === undefined) return a === undefined ? -1 : 1;
      if (a === b) continue;
      const numbers = /^\d+$/.test(a) && /^\d+$/.test(b);
      if (numbers) return BigInt(a) < BigInt(b) ? -1 : 1;
      if (/^\d+$/.test(a) !== /^\d+$/.test(b)) return /^\d+$/.test(a) ? -1 : 1;
      return a < b ? -1 : 1;
    }
    return 0;
  }
}
