import { dns1035Label, dns1123Label, dns1123Subdomain, labelValue, qualifiedName } from '../../names.ts';
import { hasFormat } from '../../schema/format.ts';
import { isUrl } from './url.ts';

/** The named formats of the `format` library: each returns what is wrong. */
const prefixed = (check: (t: string) => string[]) => (t: string) => check(t.endsWith('-') ? t.slice(0, -1) : t);
const known = (format: string) => (t: string) => (hasFormat(format, t) ? [] : [`must be a valid ${format}`]);

export const formats: Record<string, (text: string) => string[]> = {
  dns1123Label,
  dns1123Subdomain,
  dns1035Label,
  dns1123LabelPrefix: prefixed(dns1123Label),
  dns1123SubdomainPrefix: prefixed(dns1123Subdomain),
  dns1035LabelPrefix: prefixed(dns1035Label),
  qualifiedName,
  labelValue,
  uri: t => (isUrl(t) ? [] : ['invalid URI']),
  uuid: t => (hasFormat('uuid', t) ? [] : ['does not match the UUID format']),
  byte: t => (hasFormat('byte', t) ? [] : ['invalid base64']),
  date: known('date'),
  datetime: known('date-time'),
};
