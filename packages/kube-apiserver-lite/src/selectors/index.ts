export { type FieldSelector, parseFieldSelector } from './fields.ts';
export { compileLabelSelector, type LabelSelector, type Parsed, parseLabelSelector } from './labels.ts';
