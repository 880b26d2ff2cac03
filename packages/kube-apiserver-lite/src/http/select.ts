import { badRequest } from '../errors.ts';
import type { ApiObject } from '../object.ts';
import type { Resource } from '../registry/resource.ts';
import * as selectors from '../selectors/index.ts';

/** Label and field selector of a list, watch or deletion of many, together. */
export interface Selection {
  /** Everything is selected. */
  all: boolean;
  /** Only this object can be: the selector names it. */
  name: string | undefined;
  matches: (object: ApiObject) => boolean;
}

/** 400 for a selector that does not parse, or asks for a field that the kind cannot be selected by. */
export function selection(resource: Resource, labelSelector: string, fieldSelector: string, name: string): Selection {
  const label = labelSelector === '' ? undefined : unwrap(selectors.parseLabelSelector(labelSelector));
  const text = name === '' ? fieldSelector : [fieldSelector, `metadata.name=${name}`].filter(part => part !== '').join(',');
  const field = text === '' ? undefined : unwrap(selectors.parseFieldSelector(text, resource, resource.custom?.selectable));
  return {
    all: (label === undefined || label.empty) && (field === undefined || field.empty),
    name: field?.name,
    matches: object => (label === undefined || label.matches(object.metadata.labels)) && (field === undefined || field.matches(object)),
  };
}

function unwrap<T>(parsed: selectors.Parsed<T>): T {
  if (parsed.ok) return parsed.value;
  throw badRequest(parsed.message);
}
