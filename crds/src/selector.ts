/** A parsed requirement of a label selector (Kubernetes `LabelSelectorRequirement`). */
export interface Requirement {
  readonly key: string;
  readonly operator: 'In' | 'NotIn' | 'Exists' | 'DoesNotExist';
  readonly values: ReadonlySet<string>;
}

/**
 * A parsed label selector. All requirements must hold; a selector without requirements selects everything,
 * as in Kubernetes (`metav1.LabelSelector`: "An empty label selector matches all objects").
 */
export interface Selector {
  readonly requirements: readonly Requirement[];
}

export type Labels = Readonly<Record<string, string>>;

/** A label selector as it is written in an object. */
export interface LabelSelectorSource {
  readonly matchLabels?: Readonly<Record<string, string>> | undefined;
  readonly matchExpressions?:
    | readonly { readonly key: string; readonly operator: string; readonly values?: readonly string[] | undefined }[]
    | undefined;
}

export type SelectorResult = { readonly ok: true; readonly selector: Selector } | { readonly ok: false; readonly error: string };

const operators: ReadonlySet<string> = new Set(['In', 'NotIn', 'Exists', 'DoesNotExist']);

/** Parses what the user wrote; a contradiction in its form (such as `In` without values) is an error, never a selector that matches everything. */
export function parseSelector(source: LabelSelectorSource): SelectorResult {
  const requirements: Requirement[] = Object.entries(source.matchLabels ?? {}).map(([key, value]) => ({
    key,
    operator: 'In',
    values: new Set([value]),
  }));
  for (const { key, operator, values = [] } of source.matchExpressions ?? []) {
    if (!operators.has(operator))
      return {
        ok: false,
        error: `operator ${JSON.stringify(operator)} of key ${JSON.stringify(key)} is not one of In, NotIn, Exists, DoesNotExist`,
      };
    const wantsValues = operator === 'In' || operator === 'NotIn';
    if (wantsValues && values.length === 0)
      return { ok: false, error: `key ${JSON.stringify(key)}: operator ${operator} needs at least one value` };
    if (!wantsValues && values.length > 0) return { ok: false, error: `key ${JSON.stringify(key)}: operator ${operator} takes no values` };
    requirements.push({ key, operator: operator as Requirement['operator'], values: new Set(values) });
  }
  return { ok: true, selector: { requirements } };
}

/** Whether an object with these labels is selected. */
export function matches(selector: Selector, labels: Labels): boolean {
  return selector.requirements.every(({ key, operator, values }) => {
    const value = Object.hasOwn(labels, key) ? labels[key] : undefined;
    switch (operator) {
      case 'In':
        return value !== undefined && values.has(value);
      case 'NotIn':
        return value === undefined || !values.has(value);
      case 'Exists':
        return value !== undefined;
      case 'DoesNotExist':
        return value === undefined;
    }
  });
}

/** Whether any selector of a list selects the labels. An empty list means "no restriction" wherever Herald's kinds have such lists. */
export function matchesAny(selectors: readonly Selector[], labels: Labels): boolean {
  return selectors.length === 0 || selectors.some(selector => matches(selector, labels));
}

/** Whether it can be seen from the selectors alone that no object matches both. False when in doubt. */
export function disjoint(a: Selector, b: Selector): boolean {
  return a.requirements.some(mine => b.requirements.some(theirs => mine.key === theirs.key && exclude(mine, theirs)));
}

function exclude(a: Requirement, b: Requirement): boolean {
  const present = (r: Requirement): boolean => r.operator === 'In' || r.operator === 'Exists';
  if (a.operator === 'DoesNotExist') return present(b);
  if (b.operator === 'DoesNotExist') return present(a);
  if (a.operator === 'In' && b.operator === 'In') return ![...a.values].some(value => b.values.has(value));
  if (a.operator === 'In' && b.operator === 'NotIn') return [...a.values].every(value => b.values.has(value));
  if (a.operator === 'NotIn' && b.operator === 'In') return [...b.values].every(value => a.values.has(value));
  return false;
}
