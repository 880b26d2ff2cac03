import { isObject, type Json, type JsonObject } from '../schema/json.ts';
import type { Parsed } from './labels.ts';

export interface FieldSelector {
  readonly empty: boolean;
  /** The value `metadata.name` must equal, when the selector says so: a fast path for watches and lists. */
  readonly name?: string;
  matches(object: JsonObject): boolean;
}
interface Term {
  readonly path: string;
  readonly negated: boolean;
  readonly value: string;
  readonly get: (object: JsonObject) => string;
}
interface Kind {
  readonly group: string;
  readonly version: string;
  readonly kind: string;
}

const at = (object: Json | undefined, path: string): string => {
  let value: Json | undefined = object;
  for (const part of path.split('.')) value = isObject(value) ? value[part] : undefined;
  return value === undefined || value === null || isObject(value) || Array.isArray(value) ? '' : String(value);
};

const events = (object: string, source: string) =>
  ['kind', 'namespace', 'name', 'uid', 'apiVersion', 'resourceVersion', 'fieldPath'].map((f): [string, string] => [
    `${object}.${f}`,
    `${source}.${f}`,
  ]);

/** Keys beyond metadata.name and metadata.namespace, by group and kind; the value is where the key reads from when it differs. */
const known: Record<string, Readonly<Record<string, string | ((object: JsonObject) => string)>>> = {
  '/Pod': {
    'spec.nodeName': '',
    'spec.restartPolicy': '',
    'spec.schedulerName': '',
    'spec.serviceAccountName': '',
    'spec.hostNetwork': o => at(o, 'spec.hostNetwork') || 'false',
    'status.phase': '',
    'status.podIP': '',
    'status.podIPs': '',
    'status.nominatedNodeName': '',
  },
  '/Node': { 'spec.unschedulable': o => at(o, 'spec.unschedulable') || 'false' },
  '/Namespace': { 'status.phase': '', name: 'metadata.name' },
  '/Secret': { type: '' },
  '/Service': { 'spec.clusterIP': '', 'spec.type': '' },
  '/ReplicationController': { 'status.replicas': o => at(o, 'status.replicas') || '0' },
  '/Event': {
    ...Object.fromEntries(events('involvedObject', 'involvedObject')),
    reason: '',
    reportingComponent: '',
    source: o => at(o, 'source.component') || at(o, 'reportingComponent'),
    type: '',
  },
  'events.k8s.io/Event': { ...Object.fromEntries(events('regarding', 'regarding')), reason: '', reportingController: '', type: '' },
  'apps/ReplicaSet': { 'status.replicas': o => at(o, 'status.replicas') || '0' },
  'batch/Job': { 'status.successful': o => at(o, 'status.succeeded') || '0' },
  'certificates.k8s.io/CertificateSigningRequest': { 'spec.signerName': '' },
};
/** Kinds whose conversion function words an unknown key in its own way. */
const ownWords: Record<string, (key: string) => string> = {
  '/Pod': k => `field label not supported: ${k}`,
  '/Node': k => `field label not supported: ${k}`,
  '/Namespace': k => `field label not supported: ${k}`,
  '/Secret': k => `field label not supported: ${k}`,
  '/Service': k => `field label not supported: ${k}`,
  '/Event': k => `field label not supported: ${k}`,
  '/ReplicationController': k => `field label ${JSON.stringify(k)} not supported for ReplicationController`,
  'events.k8s.io/Event': k => `field label not supported: ${k}`,
  'batch/Job': k => `field label ${JSON.stringify(k)} not supported for batchv1.Job`,
  'certificates.k8s.io/CertificateSigningRequest': k => `field label not supported for CertificateSigningRequest: ${k}`,
};

/** Splits at commas and finds the operator, honouring backslashes. */
function parseTerms(text: string): Parsed<{ key: string; negated: boolean; value: string }[]> {
  const terms: { key: string; negated: boolean; value: string }[] = [];
  for (const part of split(text)) {
    if (part === '') continue;
    const m = /^((?:\\.|[^\\])*?)(!=|==|=)([\s\S]*)$/.exec(part);
    if (!m) return { ok: false, message: `invalid selector: '${text}'; can't understand '${part}'` };
    const value = unescape(m[3] ?? '');
    if (!value.ok) return value;
    terms.push({ key: m[1] ?? '', negated: m[2] === '!=', value: value.value });
  }
  return { ok: true, value: terms };
}

function split(text: string): string[] {
  const parts: string[] = [];
  let part = '';
  for (let i = 0; i < text.length; i++) {
    const c = text[i] ?? '';
    if (c === '\\') {
      part += c + (text[i + 1] ?? '');
      i++;
    } else if (c === ',') {
      parts.push(part);
      part = '';
    } else part += c;
  }
  parts.push(part);
  return parts;
}

function unescape(text: string): Parsed<string> {
  let value = '';
  for (let i = 0; i < text.length; i++) {
    const c = text[i] ?? '';
    if (c === '\\') {
      const next = text[i + 1] ?? '';
      if (!['\\', ',', '='].includes(next)) return { ok: false, message: `invalid field selector: invalid escape sequence: \\${next}` };
      value += next;
      i++;
    } else if (c === ',' || c === '=') return { ok: false, message: `invalid field selector: invalid unescaped character: ${c}` };
    else value += c;
  }
  return { ok: true, value };
}

/** Parses `fieldSelector` for a kind; `selectable`: the JSON paths of a CRD version's selectableFields. */
export function parseFieldSelector(text: string, gvk: Kind, selectable?: readonly string[]): Parsed<FieldSelector> {
  const parsed = parseTerms(text);
  if (!parsed.ok) return parsed;
  const id = `${gvk.group}/${gvk.kind}`;
  const own = known[id];
  const terms: Term[] = [];
  for (const { key, negated, value } of parsed.value) {
    let get: ((object: JsonObject) => string) | undefined;
    if (key === 'metadata.name' || key === 'metadata.namespace') get = o => at(o, key);
    else if (own && Object.hasOwn(own, key)) {
      const source = own[key];
      get = typeof source === 'function' ? source : o => at(o, source || key);
    } else if (selectable?.some(path => path.replace(/^\./, '') === key)) get = o => at(o, key);
    if (!get) {
      const say = selectable ? (k: string) => `field label not supported: ${k}` : ownWords[id];
      return {
        ok: false,
        message: say ? say(key) : `${JSON.stringify(key)} is not a known field selector: only "metadata.name", "metadata.namespace"`,
      };
    }
    terms.push({ path: key, negated, value, get });
  }
  const name = terms.find(t => t.path === 'metadata.name' && !t.negated)?.value;
  return {
    ok: true,
    value: {
      empty: terms.length === 0,
      ...(name === undefined ? {} : { name }),
      matches: object => terms.every(t => (t.get(object) === t.value) !== t.negated),
    },
  };
}
