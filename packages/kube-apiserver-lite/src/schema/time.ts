/** metav1.Time and MicroTime as Go reads and writes them. */

const layoutDate = '2006-01-02T15:04:05Z07:00';
const layoutMicro = '2006-01-02T15:04:05.000000Z07:00';
const rfc3339 = /^(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)([.,]\d+)?(Z|[+-]\d\d:\d\d)$/;
const pieces: [string, RegExp][] = [
  ['2006', /^\d{4}/],
  ['-', /^-/],
  ['01', /^\d\d/],
  ['-', /^-/],
  ['02', /^\d\d/],
  ['T', /^T/],
  ['15', /^\d\d/],
  [':', /^:/],
  ['04', /^\d\d/],
  [':', /^:/],
  ['05', /^\d\d(?:[.,]\d+)?/],
  ['Z07:00', /^(?:Z|[+-]\d\d:\d\d)/],
];

/** Normalises a timestamp; the error is Go's. `micro`: six digits of fraction, otherwise none. */
export function canonicalTime(text: string, micro: boolean): { text: string } | { error: string } {
  const layout = micro ? layoutMicro : layoutDate;
  const m = rfc3339.exec(text);
  if (!m || (micro && !/^[.,]\d{6}/.test(m[7] ?? ''))) return { error: describe(text, layout, micro) };
  const [, year = '', month = '', day = '', hour = '', minute = '', second = '', fraction = '', zone = 'Z'] = m;
  const days = new Date(Date.UTC(Number(year), Number(month), 0)).getUTCDate();
  const wrong =
    Number(month) < 1 || Number(month) > 12
      ? 'month'
      : Number(day) < 1 || Number(day) > days
        ? 'day'
        : Number(hour) > 23
          ? 'hour'
          : Number(minute) > 59
            ? 'minute'
            : Number(second) > 59
              ? 'second'
              : '';
  if (wrong) return { error: `parsing time ${JSON.stringify(text)}: ${wrong} out of range` };
  const offset = zone === 'Z' ? 0 : (zone[0] === '-' ? -1 : 1) * (Number(zone.slice(1, 3)) * 60 + Number(zone.slice(4, 6)));
  const at = new Date(
    Date.UTC(Number(year), Number(month) - 1, Number(day), Number(hour), Number(minute), Number(second)) - offset * 60_000,
  );
  const base = at.toISOString().slice(0, 19);
  return { text: micro ? `${base}.${fraction.slice(1, 7).padEnd(6, '0')}Z` : `${base}Z` };
}

/** What Go's time.Parse says: the first piece of the layout that the text does not have. */
function describe(text: string, layout: string, micro: boolean): string {
  let rest = text;
  for (const [name, pattern] of pieces) {
    if (micro && name === 'Z07:00' && !/[.,]\d{6}$/.test(text.slice(0, text.length - rest.length))) {
      return `parsing time ${JSON.stringify(text)} as ${JSON.stringify(layout)}: cannot parse ${JSON.stringify(rest)} as ".000000"`;
    }
    const m = pattern.exec(rest);
    if (!m)
      return `parsing time ${JSON.stringify(text)} as ${JSON.stringify(layout)}: cannot parse ${JSON.stringify(rest)} as ${JSON.stringify(name)}`;
    rest = rest.slice(m[0].length);
  }
  return `parsing time ${JSON.stringify(text)}: extra text: ${JSON.stringify(rest)}`;
}
