export { type FieldSelector, parseFieldSelector } from './fields.ts';
export {
  compileLabelSelector,
  type LabelSelector,
  labelKeyText,
  labelValueErrors,
  labelValueText,
  type Parsed,
  parseLabelSelector,
  qualifiedNameErrors,
  subdomainText,
} from './labels.ts';
