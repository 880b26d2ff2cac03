export { checkRules } from './check.ts';
export { compileRules, type RuleSet } from './rules.ts';
