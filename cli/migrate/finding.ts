/** Something a reader of the migrated objects must know: what was changed on the way, or could not be carried over. */
export interface Finding {
  /** `lost`: it could not be carried over and must be looked at; `changed`: carried over in another form; `note`: worth knowing. */
  level: 'lost' | 'changed' | 'note';
  file: string;
  /** Line in the file, from 1. */
  line?: number;
  message: string;
}

/** `file:line: level: message`, as editors and compilers write it. */
export function formatFinding({ level, file, line, message }: Finding): string {
  return `${file}${line === undefined ? '' : `:${line}`}: ${level}: ${message}`;
}

/** One of Herald's objects, as it will be written. */
export interface Migrated {
  apiVersion: 'heraldlb.io/v1beta1';
  kind: string;
  metadata: { name: string; namespace: string; labels?: Record<string, string> };
  spec: Record<string, unknown>;
}

export interface Migration {
  objects: Migrated[];
  findings: Finding[];
}

/** A name an object may have (RFC 1123 subdomain), made of any text. */
export function objectName(text: string): string {
  const name = text
    .toLowerCase()
    .replaceAll(/[^a-z0-9.-]+/g, '-')
    .replaceAll(/^[-.]+|[-.]+$/g, '')
    .slice(0, 253);
  return name === '' ? 'unnamed' : name;
}

export function migrated(kind: string, name: string, namespace: string, spec: Record<string, unknown>): Migrated {
  return { apiVersion: 'heraldlb.io/v1beta1', kind, metadata: { name: objectName(name), namespace }, spec };
}
