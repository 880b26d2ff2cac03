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
  const query = 'fieldManager=examples&fieldValidation=Strict&force=true';
  const target = `${await collectionOf(url, manifest)}/${manifest.metadata.name}?${query}`;
  return send(target, { method: 'PATCH', headers: { 'content-type': 'application/apply-patch+yaml' } }, manifest);
}

/** Creates one object, as `kubectl create --validate=strict` does it. Throws what the server answers when it refuses. */
export async function createObject(url: string, manifest: Manifest): Promise<Manifest> {
  const target = `${await collectionOf(url, manifest)}?fieldValidation=Strict`;
  return send(target, { method: 'POST', headers: { 'content-type': 'application/json' } }, manifest);
}

async function collectionOf(url: string, { apiVersion, kind, metadata }: Manifest): Promise<string> {
  const root = `${url}${apiVersion.includes('/') ? '/apis' : '/api'}/${apiVersion}`;
  const resource = await resourceOf(root, kind);
  return `${root}${resource.namespaced ? `/namespaces/${metadata.namespace ?? 'default'}` : ''}/${resource.name}`;
}

async function send(target: string, request: RequestInit, manifest: Manifest): Promise<Manifest> {
  const answer = await fetch(target, { ...request, body: JSON.stringify(manifest) });
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
