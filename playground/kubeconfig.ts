/** A kubeconfig for a server without TLS: what the playground's API server is on this machine's loopback. */
export function kubeconfigYaml(server: string): string {
  return `apiVersion: v1
kind: Config
clusters:
  - name: playground
    cluster:
      server: ${server}
      insecure-skip-tls-verify: true
users:
  - name: admin
    user: {}
contexts:
  - name: playground
    context:
      cluster: playground
      user: admin
current-context: playground
`;
}
