export { type ApplyResult, serverSideApply } from './apply.ts';
export { type FieldPath, type FieldSet, fromFieldsV1, toFieldsV1 } from './field-set.ts';
export { isNoop, trackUpdate } from './update.ts';
export type { FieldWrite } from './write.ts';
