export type { Cause } from '../errors.ts';
export {
  type BuiltinKind,
  builtinDefinition,
  builtinDocument,
  builtinKind,
  builtinSchema,
  type GroupVersionKind,
  objectMeta,
} from './builtin.ts';
export { compileSchema, derive, goRegExp } from './compile.ts';
export { defaultCrd } from './crd/defaults.ts';
export { validateCrd } from './crd/validate.ts';
export { compileCrdSchema } from './custom.ts';
export { type Decoded, decodeBuiltin, decodeInto, zeroObject } from './decode.ts';
export { applyDefaults } from './defaults.ts';
export { hasFormat } from './format.ts';
export * from './json.ts';
export { validateBuiltin } from './kinds/index.ts';
export type * from './node.ts';
export { prune } from './prune.ts';
export { canonicalQuantity, formatQuantity, parseQuantity, type Quantity } from './quantity.ts';
export { canonicalTime } from './time.ts';
export { validateListTypes, validateSchema } from './validate.ts';
