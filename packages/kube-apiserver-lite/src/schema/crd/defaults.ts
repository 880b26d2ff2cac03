import { isObject, type JsonObject } from '../json.ts';

/** What the API server fills in for a CustomResourceDefinition (mutates). */
export function defaultCrd(crd: JsonObject): void {
  const { spec } = crd;
  if (!isObject(spec)) return;
  if (!isObject(spec.conversion)) spec.conversion = { strategy: 'None' };
  else if (spec.conversion.strategy === undefined) spec.conversion.strategy = 'None';
  const webhook =
    isObject(spec.conversion.webhook) && isObject(spec.conversion.webhook.clientConfig) ? spec.conversion.webhook.clientConfig : undefined;
  if (webhook && isObject(webhook.service) && webhook.service.port === undefined) webhook.service.port = 443;
  const { names } = spec;
  if (!isObject(names)) return;
  const kind = typeof names.kind === 'string' ? names.kind : '';
  if (kind === '') return;
  if (!names.singular) names.singular = kind.toLowerCase();
  if (!names.listKind) names.listKind = `${kind}List`;
}
