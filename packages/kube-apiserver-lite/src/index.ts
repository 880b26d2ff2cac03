import { setImmediate as turn } from 'node:timers/promises';
import { ApiServer, type ApiServerOptions } from './api-server.ts';

export { ApiServer, type ApiServerOptions, DEFAULT_VERSION } from './api-server.ts';
export { type AuditEntry, AuditLog, type AuditQuery, WRITE_VERBS } from './audit/audit-log.ts';
export type { ControllerOptions } from './controllers/controllers.ts';
export type { ClusterOptions } from './create-cluster.ts';
export { type Environment, systemEnvironment } from './environment.ts';
export type { Fault, FaultMatch, Faults } from './faults/faults.ts';
export type { ServerVersion } from './http/documents.ts';
export { type KubeconfigOptions, kubeconfig } from './kubeconfig.ts';
export type { ServiceNetworkOptions } from './services/network.ts';

/** Starts an API server and resolves when it answers and serves its CRDs. */
export async function startApiServer(options: ApiServerOptions = {}): Promise<ApiServer> {
  const server = new ApiServer(options);
  // CRDs are established a turn of the event loop after they were stored.
  await turn();
  await server.listen();
  return server;
}
