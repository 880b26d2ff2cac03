export { checkRules } from './check.ts';
export { validateCustomResource } from './custom-resource.ts';
export { compileRules, type RuleSet } from './rules.ts';
