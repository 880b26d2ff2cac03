export { type ApplyResult, serverSideApply } from './apply.ts';
export { isNoop, trackUpdate } from './update.ts';
export type { FieldWrite } from './write.ts';
