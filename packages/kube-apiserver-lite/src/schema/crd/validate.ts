import { checkRules } from '../../cel/index.ts';
import { type Cause, duplicate, invalid, notSupported, required } from '../../errors.ts';
import { dns1035Label, dns1123Subdomain } from '../../names.ts';
import { equal, isObject, type Json, type JsonObject } from '../json.ts';
import { checkDefaults } from './default-values.ts';
import { checkStructural } from './structural.ts';

const text = (value: Json | undefined): string => (typeof value === 'string' ? value : '');
const objects = (value: Json | undefined): JsonObject[] => (Array.isArray(value) ? value.filter(isObject) : []);
const texts = (value: Json | undefined): string[] => (Array.isArray(value) ? value.filter(v => typeof v === 'string') : []);

/**
 * What a real server answers to this CRD: empty = accepted. `old` is the stored one on update. Labels and other
 * metadata are not judged here, only that the name fits.
 */
export function validateCrd(crd: JsonObject, old?: JsonObject): Cause[] {
  const spec = isObject(crd.spec) ? crd.spec : {};
  const meta = isObject(crd.metadata) ? crd.metadata : {};
  const names = isObject(spec.names) ? spec.names : {};
  const causes: Cause[] = [];
  if (text(meta.name) !== `${text(names.plural)}.${text(spec.group)}`)
    causes.push(invalid('metadata.name', text(meta.name), 'must be spec.names.plural+"."+spec.group'));
  checkGroup(text(spec.group), causes);
  if (!text(spec.scope)) causes.push(required('spec.scope'));
  else if (spec.scope !== 'Cluster' && spec.scope !== 'Namespaced')
    causes.push(notSupported('spec.scope', spec.scope, ['Cluster', 'Namespaced']));
  checkVersions(spec, old, causes);
  checkNames(names, causes);
  const conversion = isObject(spec.conversion) ? text(spec.conversion.strategy) : 'None';
  if (conversion !== 'None' && conversion !== 'Webhook')
    causes.push(notSupported('spec.conversion.strategy', conversion, ['None', 'Webhook']));
  if (spec.preserveUnknownFields === true) {
    causes.push(
      invalid(
        'spec.preserveUnknownFields',
        true,
        'cannot set to true, set x-kubernetes-preserve-unknown-fields to true in spec.versions[*].schema instead',
      ),
    );
  }
  checkStoredVersions(crd, spec, causes);
  checkApproval(meta, text(spec.group), causes);
  if (old) checkImmutable(spec, isObject(old.spec) ? old.spec : {}, old, causes);
  return causes;
}

function checkGroup(group: string, causes: Cause[]): void {
  if (group === '') {
    causes.push(required('spec.group'));
    return;
  }
  const wrong = dns1123Subdomain(group);
  if (wrong.length) causes.push(invalid('spec.group', group, wrong.join(',')));
  else if (!group.includes('.')) causes.push(invalid('spec.group', group, 'should be a domain with at least one dot'));
}

function checkNames(names: JsonObject, causes: Cause[]): void {
  for (const field of ['plural', 'singular', 'kind', 'listKind'] as const) {
    const value = text(names[field]);
    if (value === '') {
      causes.push(required(`spec.names.${field}`));
      continue;
    }
    const wrong = dns1035Label(field === 'kind' || field === 'listKind' ? value.toLowerCase() : value);
    if (wrong.length)
      causes.push(
        invalid(
          `spec.names.${field}`,
          value,
          field === 'kind' || field === 'listKind'
            ? `may have mixed case, but should otherwise match: ${wrong.join(',')}`
            : wrong.join(','),
        ),
      );
  }
  for (const field of ['shortNames', 'categories'] as const) {
    texts(names[field]).forEach((value, i) => {
      const wrong = dns1035Label(value);
      if (wrong.length) causes.push(invalid(`spec.names.${field}[${i}]`, value, wrong.join(',')));
    });
  }
  if (text(names.kind) !== '' && names.kind === names.listKind)
    causes.push(invalid('spec.names.listKind', names.listKind, 'kind and listKind may not be the same'));
}

/** The version as Go prints it in an error: schema, columns and the like have moved to the spec when all versions share them. */
function versionValue(v: JsonObject, shared: Shared): JsonObject {
  const own = (field: keyof Shared, name: string): Json => (shared[field] ? null : (v[name] ?? null));
  return {
    Name: text(v.name),
    Served: v.served === true,
    Storage: v.storage === true,
    Deprecated: v.deprecated === true,
    DeprecationWarning: v.deprecationWarning ?? null,
    Schema: own('schema', 'schema'),
    Subresources: own('subresources', 'subresources'),
    AdditionalPrinterColumns: own('columns', 'additionalPrinterColumns'),
    SelectableFields: own('selectable', 'selectableFields'),
  };
}

interface Shared {
  readonly schema: boolean;
  readonly subresources: boolean;
  readonly columns: boolean;
  readonly selectable: boolean;
}

function checkVersions(spec: JsonObject, old: JsonObject | undefined, causes: Cause[]): void {
  const versions = objects(spec.versions);
  if (versions.length === 0) {
    causes.push(required('spec.versions', 'must have at least one version'));
    return;
  }
  const alike = (field: string) => versions.every(v => equal(v[field] ?? null, versions[0]?.[field] ?? null));
  const shared: Shared = {
    schema: alike('schema'),
    subresources: alike('subresources'),
    columns: alike('additionalPrinterColumns'),
    selectable: alike('selectableFields'),
  };
  versions.forEach((v, i) => {
    const wrong = dns1035Label(text(v.name));
    if (wrong.length) causes.push(invalid(`spec.versions[${i}].name`, text(v.name), wrong.join(',')));
    const schema = isObject(v.schema) ? v.schema.openAPIV3Schema : undefined;
    if (!isObject(schema)) causes.push(required(`spec.versions[${i}].schema.openAPIV3Schema`));
  });
  const value = () => versions.map(v => versionValue(v, shared));
  if (new Set(versions.map(v => v.name)).size < versions.length)
    causes.push(invalid('spec.versions', value(), 'must contain unique version names'));
  if (versions.filter(v => v.storage === true).length !== 1)
    causes.push(invalid('spec.versions', value(), 'must have exactly one version marked as storage version'));
  const oldVersions = objects(isObject(old?.spec) ? old.spec.versions : undefined);
  versions.forEach((v, i) => {
    const at = (one: boolean, hoisted: string, own: string) => (one ? `spec.${hoisted}` : `spec.versions[${i}].${own}`);
    const schema = isObject(v.schema) ? v.schema.openAPIV3Schema : undefined;
    if (isObject(schema) && (i === 0 || !shared.schema)) {
      const before = oldVersions.find(o => o.name === v.name)?.schema;
      checkSchema(
        schema,
        isObject(before) && isObject(before.openAPIV3Schema) ? before.openAPIV3Schema : undefined,
        at(shared.schema, 'validation.openAPIV3Schema', 'schema.openAPIV3Schema'),
        causes,
      );
    }
    if (i === 0 || !shared.subresources) checkSubresources(v, at(shared.subresources, 'subresources', 'subresources'), causes);
    if (i === 0 || !shared.columns)
      objects(v.additionalPrinterColumns).forEach((c, n) =>
        checkColumn(c, `${at(shared.columns, 'additionalPrinterColumns', 'additionalPrinterColumns')}[${n}]`, causes),
      );
    if (i === 0 || !shared.selectable) checkSelectable(v, at(shared.selectable, 'selectableFields', 'selectableFields'), causes);
  });
}

/** A schema that has not changed is not judged anew. */
function checkSchema(schema: JsonObject, old: JsonObject | undefined, path: string, causes: Cause[]): void {
  if (old && equal(schema, old)) return;
  const structural = checkStructural(schema, path);
  causes.push(...structural);
  if (structural.length > 0) return;
  causes.push(...checkDefaults(schema, path), ...checkRules(schema, path));
}

const columnTypes = ['boolean', 'date', 'integer', 'number', 'string'];
const columnFormats = ['byte', 'date', 'date-time', 'double', 'float', 'int32', 'int64', 'password'];

function checkColumn(column: JsonObject, path: string, causes: Cause[]): void {
  if (!text(column.name)) causes.push(required(`${path}.name`));
  if (!text(column.type)) causes.push(required(`${path}.type`, `must be one of ${columnTypes.join(',')}`));
  else if (!columnTypes.includes(text(column.type))) causes.push(notSupported(`${path}.type`, column.type, columnTypes));
  if (text(column.format) && !columnFormats.includes(text(column.format)))
    causes.push(notSupported(`${path}.format`, column.format, columnFormats));
  const jsonPath = text(column.jsonPath);
  if (jsonPath === '') causes.push(required(`${path}.JSONPath`));
  else if (!jsonPath.startsWith('.')) causes.push(invalid(`${path}.JSONPath`, jsonPath, 'must be a simple json path starting with .'));
}

function checkSubresources(version: JsonObject, path: string, causes: Cause[]): void {
  const scale = isObject(version.subresources) ? version.subresources.scale : undefined;
  if (!isObject(scale)) return;
  const under = (field: string, root: string, optional = false) => {
    const value = text(scale[field]);
    if (value === '') {
      if (!optional) causes.push(required(`${path}.scale.${field}`));
    } else if (!value.startsWith('.')) causes.push(invalid(`${path}.scale.${field}`, value, 'must be a simple json path starting with .'));
    else if (!value.startsWith(`${root}.`)) causes.push(invalid(`${path}.scale.${field}`, value, `should be a json path under ${root}`));
  };
  under('specReplicasPath', '.spec');
  under('statusReplicasPath', '.status');
  const selector = text(scale.labelSelectorPath);
  if (selector !== '' && !selector.startsWith('.spec.') && !selector.startsWith('.status.'))
    causes.push(invalid(`${path}.scale.labelSelectorPath`, selector, 'should be a json path under either .spec or .status'));
}

const maxSelectable = 8;

function checkSelectable(version: JsonObject, path: string, causes: Cause[]): void {
  const fields = objects(version.selectableFields);
  if (fields.length > maxSelectable)
    causes.push({
      reason: 'FieldValueTooMany',
      message: `Too many: ${fields.length}: must have at most ${maxSelectable} items`,
      field: path,
    });
  const seen = new Set<string>();
  fields.forEach((field, i) => {
    const at = `${path}[${i}].jsonPath`;
    const jsonPath = text(field.jsonPath);
    if (jsonPath === '') {
      causes.push(required(at));
      return;
    }
    if (!/^(?:\.[A-Za-z_][A-Za-z0-9_-]*)+$/.test(jsonPath)) {
      causes.push(invalid(at, jsonPath, `is an invalid path: does not refer to a valid field`));
      return;
    }
    if (seen.has(jsonPath)) causes.push(duplicate(at, jsonPath));
    seen.add(jsonPath);
    if (jsonPath === '.metadata' || jsonPath.startsWith('.metadata.')) {
      causes.push(invalid(at, jsonPath, 'must not point to fields in metadata'));
      return;
    }
    let schema: Json | undefined = isObject(version.schema) ? version.schema.openAPIV3Schema : undefined;
    for (const step of jsonPath.slice(1).split('.'))
      schema = isObject(schema) && isObject(schema.properties) ? schema.properties[step] : undefined;
    if (!isObject(schema)) causes.push(invalid(at, jsonPath, 'is an invalid path: does not refer to a valid field'));
    else if (!['string', 'boolean', 'integer'].includes(text(schema.type)))
      causes.push(
        invalid(
          at,
          jsonPath,
          'must point to a field of type string, boolean or integer. Enum string fields and strings with formats are allowed.',
        ),
      );
  });
}

function checkStoredVersions(crd: JsonObject, spec: JsonObject, causes: Cause[]): void {
  const status = isObject(crd.status) ? crd.status : {};
  if (status.storedVersions === undefined) return;
  const stored = texts(status.storedVersions);
  if (stored.length === 0) {
    causes.push(invalid('status.storedVersions', stored, 'must have at least one stored version'));
    return;
  }
  const versions = objects(spec.versions);
  for (const v of versions)
    if (v.storage === true && !stored.includes(text(v.name)))
      causes.push(invalid('status.storedVersions', stored, `must have the storage version ${text(v.name)}`));
  stored.forEach((name, i) => {
    if (!versions.some(v => v.name === name)) causes.push(invalid(`status.storedVersions[${i}]`, name, 'must appear in spec.versions'));
  });
}

/** Groups of the Kubernetes community need its approval. */
function checkApproval(meta: JsonObject, group: string, causes: Cause[]): void {
  if (!/(?:^|\.)(?:k8s\.io|kubernetes\.io)$/.test(group)) return;
  const approval = isObject(meta.annotations) ? text(meta.annotations['api-approved.kubernetes.io']) : '';
  if (approval === '') {
    causes.push(
      required(
        'metadata.annotations[api-approved.kubernetes.io]',
        'protected groups must have approval annotation "api-approved.kubernetes.io", see https://github.com/kubernetes/enhancements/pull/1111',
      ),
    );
  } else if (!/^unapproved(?:,|$)/.test(approval) && !/^[a-z]+:\/\/.+/.test(approval)) {
    causes.push(
      invalid(
        'metadata.annotations[api-approved.kubernetes.io]',
        approval,
        'protected groups must have approval annotation "api-approved.kubernetes.io" with either a URL or a reason starting with "unapproved", see https://github.com/kubernetes/enhancements/pull/1111',
      ),
    );
  }
}

function checkImmutable(spec: JsonObject, old: JsonObject, oldCrd: JsonObject, causes: Cause[]): void {
  const established = objects(isObject(oldCrd.status) ? oldCrd.status.conditions : undefined).some(
    c => c.type === 'Established' && c.status === 'True',
  );
  const names = isObject(spec.names) ? spec.names : {};
  const oldNames = isObject(old.names) ? old.names : {};
  const same = (path: string, a: Json | undefined, b: Json | undefined) => {
    if (!equal(a ?? null, b ?? null)) causes.push(invalid(path, a ?? '', 'field is immutable'));
  };
  if (established) {
    same('spec.scope', spec.scope, old.scope);
    same('spec.names.kind', names.kind, oldNames.kind);
  }
  same('spec.group', spec.group, old.group);
  same('spec.names.plural', names.plural, oldNames.plural);
}
