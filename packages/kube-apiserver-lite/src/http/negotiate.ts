import { ApiStatusError } from '../errors.ts';

/** How the client wants an object shown (`Accept: application/json;as=Table;v=v1;g=meta.k8s.io`). */
export interface Shape {
  format: 'json' | 'yaml';
  as: '' | 'Table' | 'PartialObjectMetadata' | 'PartialObjectMetadataList';
}

interface MediaRange {
  type: string;
  parameters: Map<string, string>;
  quality: number;
}

/** The ranges of an `Accept` header, most wanted first; those without a type are dropped. */
export function parseAccept(header: string): MediaRange[] {
  return header
    .split(',')
    .map(part => {
      const [type = '', ...rest] = part.split(';').map(text => text.trim());
      const parameters = new Map<string, string>();
      for (const text of rest) {
        const equals = text.indexOf('=');
        if (equals > 0) parameters.set(text.slice(0, equals).toLowerCase(), text.slice(equals + 1));
      }
      const quality = Number(parameters.get('q') ?? 1);
      return { type: type.toLowerCase(), parameters, quality: Number.isFinite(quality) ? quality : 0 };
    })
    .filter(range => range.type !== '' && range.quality > 0)
    .sort((a, b) => b.quality - a.quality);
}

const AVAILABLE =
  'application/json, application/yaml, application/vnd.kubernetes.protobuf, application/json;stream=watch, application/vnd.kubernetes.protobuf;stream=watch';

/** 406 as the API server words it. */
export const notAcceptable = (): ApiStatusError =>
  new ApiStatusError(406, 'NotAcceptable', `406: Not Acceptable\n\nAvailable representations: ${AVAILABLE}`, {});

const formatOf = (type: string): 'json' | 'yaml' | undefined => {
  // `application/*` is refused: the real server takes a wildcard for the subtype only together with one for the type.
  if (type === '*/*' || type === 'application/json') return 'json';
  if (type === 'application/yaml') return 'yaml';
  return undefined;
};

/** Picks the first range that can be answered; protobuf is passed over, as clients offer JSON behind it. */
export function negotiate(header: string | undefined, transforms: readonly string[]): Shape {
  if (header === undefined || header.trim() === '') return { format: 'json', as: '' };
  for (const range of parseAccept(header)) {
    const format = formatOf(range.type);
    if (format === undefined) continue;
    const as = range.parameters.get('as') ?? '';
    if (as === '') return { format, as: '' };
    if (!transforms.includes(as)) continue;
    const known = range.parameters.get('g') === 'meta.k8s.io' && ['v1', 'v1beta1'].includes(range.parameters.get('v') ?? '');
    if (known && (as === 'Table' || as === 'PartialObjectMetadata' || as === 'PartialObjectMetadataList')) return { format, as };
  }
  throw notAcceptable();
}
