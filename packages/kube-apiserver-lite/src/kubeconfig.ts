import { stringify } from 'yaml';

export interface KubeconfigOptions {
  url: string;
  /** PEM; absent for plain HTTP. */
  ca?: string;
  token?: string;
  /** The name of cluster, context and user. */
  name?: string;
}

/** A kubeconfig for one server and one user, as YAML. */
export function kubeconfig({ url, ca, token, name = 'kube-apiserver-lite' }: KubeconfigOptions): string {
  return stringify({
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [
      { name, cluster: { server: url, ...(ca === undefined ? {} : { 'certificate-authority-data': Buffer.from(ca).toString('base64') }) } },
    ],
    users: [{ name, user: token === undefined ? {} : { token } }],
    contexts: [{ name, context: { cluster: name, user: name, namespace: 'default' } }],
    'current-context': name,
  });
}
