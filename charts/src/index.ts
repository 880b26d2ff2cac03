import { runbooks } from './alerts.ts';
import { dashboard } from './dashboard.ts';
import { valuesSchema } from './json-schema.ts';
import { chartReadme } from './readme.ts';
import { valuesYaml } from './values-yaml.ts';

export { type Alert, alerts } from './alerts.ts';
export { dashboardMetrics } from './dashboard.ts';
export { chartFolder, helm, helmPath, template } from './helm.ts';
export { manifestFiles } from './manifests.ts';
export { type Values, values } from './values.ts';

/** Path in the repository → content, of what is generated from the schema of the values. */
export function chartFiles(): Map<string, string> {
  return new Map([
    ['charts/herald/values.yaml', valuesYaml()],
    ['charts/herald/values.schema.json', `${JSON.stringify(valuesSchema(), null, 2)}\n`],
    ['charts/herald/README.md', chartReadme()],
    ['charts/herald/dashboards/herald.json', dashboard()],
    ...runbooks(),
  ]);
}
