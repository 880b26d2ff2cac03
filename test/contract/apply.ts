/** An object as it is written in a file. */
export interface Manifest {
  apiVersion: string;
  kind: string;
  metadata: { name: string; namespace?: string; resourceVersion?: string };
}

interface Discovery {
  resources: { name: string; kind: string; namespaced: boolean }[];
}

/** Server-side apply of one object, as `kubectl apply --server-side --validate=strict` does it. Throws what the server answers when it refuses. */
export async function applyObject(url: string, manifest: Manifest): Promise<Manifest> {
  const root = manifest.apiVersion.includes('/') ? `/apis/${manifest.apiVersion}` : `/api/${manifest.apiVersion}`;
  const resource = await resourceOf(url + root, manifest.kind);
  const namespace = resource.namespaced ? `/namespaces/${manifest.metadata.namespace ?? 'default'}` : '';
  const path = `${root}${namespace}/${resource.name}/${manifest.metadata.name}?fieldManager=examples&fieldValidation=Strict&force=true`;
  const answer = await fetch(url + path, {
    method: 'PATCH',
    headers: { 'content-type': 'application/apply-patch+yaml' },
    body: JSON.stringify(manifest),
  });
  const body = await answer.text();
  if (!answer.ok) throw new Error(`${manifest.kind} ${manifest.metadata.name}: ${answer.status} ${body}`);
  return JSON.parse(body) as Manifest;
}

/** Name of a kind in paths. A CRD that was just made is served a moment later. */
async function resourceOf(root: string, kind: string): Promise<Discovery['resources'][number]> {
  for (let attempt = 0; attempt < 50; attempt++) {
    const answer = await fetch(root);
    const resources = answer.ok ? ((await answer.json()) as Discovery).resources : [];
    const found = resources.find(resource => resource.kind === kind && !resource.name.includes('/'));
    if (found !== undefined) return found;
    await new Promise(resolve => setTimeout(resolve, 100));
  }
  throw new Error(`${root} does not serve ${kind}`);
}
