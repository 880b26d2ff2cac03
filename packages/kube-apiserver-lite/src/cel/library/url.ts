/** URLs as Go's url.ParseRequestURI sees them: absolute, or an absolute path. */
export class CelUrl {
  readonly scheme: string;
  readonly host: string;
  readonly path: string;
  readonly rawQuery: string;

  constructor(scheme: string, host: string, path: string, rawQuery: string) {
    this.scheme = scheme;
    this.host = host;
    this.path = path;
    this.rawQuery = rawQuery;
  }

  static readonly getters: Record<string, (url: CelUrl) => string> = {
    getScheme: u => u.scheme,
    getHost: u => u.host,
    getHostname: u => u.host.replace(/:\d*$/, '').replace(/^\[(.*)\]$/, '$1'),
    getPort: u => /:(\d+)$/.exec(u.host)?.[1] ?? '',
    getEscapedPath: u => u.path,
  };

  query(): Record<string, string[]> {
    const result: Record<string, string[]> = {};
    for (const [key, value] of new URLSearchParams(this.rawQuery)) (result[key] ??= []).push(value);
    return result;
  }
}

/** Parses; undefined when it is no URL that a request could be sent to. */
export function parseUrl(text: string): CelUrl | undefined {
  const hasControl = Array.from(text).some(c => c.charCodeAt(0) < 33 || c.charCodeAt(0) === 127);
  if (text === '' || hasControl || /%(?![0-9A-Fa-f]{2})/.test(text)) return undefined;
  const m = /^(?:([A-Za-z][A-Za-z0-9+.-]*):)?(?:\/\/(?:[^/?@]*@)?([^/?]*))?([^?]*)(?:\?(.*))?$/s.exec(text);
  if (!m) return undefined;
  const [, scheme = '', host = '', path = '', query = ''] = m;
  if (scheme === '' && !text.startsWith('/')) return undefined;
  if (host !== '' && !/^(?:\[[0-9A-Fa-f:.%]+\]|[^[\]:]*)(?::\d*)?$/.test(host)) return undefined;
  return new CelUrl(scheme.toLowerCase(), host, path, query);
}

export const isUrl = (text: string): boolean => parseUrl(text) !== undefined;
