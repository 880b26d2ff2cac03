import { isIPv4, isIPv6 } from 'node:net';
import { parseQuantity } from './quantity.ts';

/** The formats a CRD schema may name (`apiextensions … "format"`); unknown formats are not checked. */
const tests: Record<string, (text: string) => boolean> = {
  bsonobjectid: t => /^[0-9a-f]{24}$/i.test(t),
  uri: isUri,
  email: t => /^[^\s@<>]+@[^\s@<>]+$/.test(t),
  hostname: t => t.length <= 255 && /^(?:[A-Za-z0-9_](?:[A-Za-z0-9_-]{0,62})?(?:\.(?=.))?)+\.?$/.test(t) && !/\.\./.test(t),
  ipv4: t => isIPv4(t),
  ipv6: t => isIPv6(t) && !t.includes('%'),
  cidr: isCidr,
  mac: t =>
    /^(?:[0-9A-Fa-f]{2}([:-])(?:[0-9A-Fa-f]{2}\1){4}(?:[0-9A-Fa-f]{2}\1[0-9A-Fa-f]{2}\1)?[0-9A-Fa-f]{2}|[0-9A-Fa-f]{4}\.[0-9A-Fa-f]{4}\.[0-9A-Fa-f]{4})$/.test(
      t,
    ),
  uuid: t => /^[0-9a-f]{8}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{12}$/i.test(t),
  uuid3: t => /^[0-9a-f]{8}-?[0-9a-f]{4}-?3[0-9a-f]{3}-?[0-9a-f]{4}-?[0-9a-f]{12}$/i.test(t),
  uuid4: t => /^[0-9a-f]{8}-?[0-9a-f]{4}-?4[0-9a-f]{3}-?[89ab][0-9a-f]{3}-?[0-9a-f]{12}$/i.test(t),
  uuid5: t => /^[0-9a-f]{8}-?[0-9a-f]{4}-?5[0-9a-f]{3}-?[89ab][0-9a-f]{3}-?[0-9a-f]{12}$/i.test(t),
  isbn: t => /^(?:[\d -]{9,16}[\dXx])$/.test(t),
  isbn10: t => /^(?:[\d -]{9,12}[\dXx])$/.test(t),
  isbn13: t => /^(?:[\d -]{13,17})$/.test(t),
  creditcard: t => luhn(t.replace(/[ -]/g, '')),
  ssn: t => /^\d{3}[- ]?\d{2}[- ]?\d{4}$/.test(t),
  hexcolor: t => /^#?(?:[0-9a-fA-F]{3}|[0-9a-fA-F]{6})$/.test(t),
  rgbcolor: t => /^rgb\(\s*(?:(?:25[0-5]|2[0-4]\d|1?\d?\d)\s*,\s*){2}(?:25[0-5]|2[0-4]\d|1?\d?\d)\s*\)$/.test(t),
  byte: t => /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/.test(t),
  password: () => true,
  date: t => /^\d{4}-\d\d-\d\d$/.test(t) && !Number.isNaN(Date.parse(t)),
  'date-time': t =>
    /^\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d(?:[.,]\d+)?(?:[Zz]|[+-]\d\d:?\d\d)$/.test(t) &&
    !Number.isNaN(Date.parse(t.replace(' ', 'T').replace(',', '.'))),
  duration: isDuration,
  'k8s-short-name': t => /^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/.test(t),
  'k8s-long-name': t => t.length <= 253 && /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/.test(t),
  quantity: t => parseQuantity(t) !== undefined,
};

/** False when `format` is one that is checked and the text is not of it. */
export function hasFormat(format: string, text: string): boolean {
  return tests[format]?.(text) ?? true;
}

function isUri(text: string): boolean {
  if (/\s/.test(text)) return false;
  return text.startsWith('/') || /^[a-zA-Z][a-zA-Z0-9+.-]*:./.test(text);
}

/** An address with a prefix length, as Go's net.ParseCIDR takes it. */
export function isCidr(text: string): boolean {
  const m = /^([^/]+)\/(\d{1,3})$/.exec(text);
  if (!m?.[1] || !m[2] || (m[2].length > 1 && m[2].startsWith('0'))) return false;
  return (isIPv4(m[1]) && Number(m[2]) <= 32) || (isIPv6(m[1]) && !m[1].includes('%') && Number(m[2]) <= 128);
}

function isDuration(text: string): boolean {
  if (/^[+-]?0$/.test(text)) return true;
  return (
    /^[+-]?(?:(?:\d+\.?\d*|\.\d+)(?:ns|us|µs|μs|ms|s|m|h))+$/.test(text) ||
    /^\d+ ?(?:ns|nano|us|micro|ms|milli|s|sec|second|m|min|minute|h|hr|hour|d|day|w|wk|week)s?$/.test(text)
  );
}

function luhn(digits: string): boolean {
  if (!/^\d{12,19}$/.test(digits)) return false;
  let sum = 0;
  for (let i = 0; i < digits.length; i++) {
    let d = Number(digits[digits.length - 1 - i]);
    if (i % 2 === 1) d = d * 2 > 9 ? d * 2 - 9 : d * 2;
    sum += d;
  }
  return sum % 10 === 0;
}
