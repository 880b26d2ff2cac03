import { existsSync, readFileSync } from 'node:fs';
import type { Agent } from 'node:http';
import type { AgentOptions, RequestOptions } from 'node:https';
import type { KubeConfig } from '@kubernetes/client-node';
import { ApiError } from './api-error.ts';

/** What one request needs to prove who we are. */
export interface Identity {
  headers: Record<string, string>;
  tls: Pick<AgentOptions, 'ca' | 'cert' | 'key' | 'rejectUnauthorized' | 'servername'>;
  /** Set when the kubeconfig names a proxy: the agent that goes through it. */
  proxy?: Agent | undefined;
}

/** Where the API server is, and who we are to it. */
export interface Credentials {
  /** Base URL, without a trailing slash. */
  readonly server: string;
  /** Called before requests (cached by the transport); `refresh` after a 401: read everything anew. */
  identity(refresh: boolean): Promise<Identity>;
}

const serviceAccount = '/var/run/secrets/kubernetes.io/serviceaccount';

/** Fixed credentials: a URL and perhaps a bearer token; for tests and local servers. */
export function staticCredentials(server: string, options: { token?: string; ca?: string | Buffer } = {}): Credentials {
  const headers: Record<string, string> = options.token === undefined ? {} : { authorization: `Bearer ${options.token}` };
  const tls = options.ca === undefined ? {} : { ca: options.ca };
  return { server: checkedServer(server), identity: () => Promise.resolve({ headers, tls }) };
}

/** The pod's service account; its token file is read again each time, since the kubelet rotates it. */
export function inClusterCredentials(env: Record<string, string | undefined>, folder = serviceAccount): Credentials {
  const host = env['KUBERNETES_SERVICE_HOST'];
  const port = env['KUBERNETES_SERVICE_PORT'];
  if (host === undefined || host === '' || port === undefined || port === '') {
    throw new ApiError('config', 'not in a cluster: KUBERNETES_SERVICE_HOST and KUBERNETES_SERVICE_PORT are not set; give a kubeconfig');
  }
  const server = checkedServer(`https://${host.includes(':') ? `[${host}]` : host}:${port}`);
  const read = (file: string) => {
    try {
      return readFileSync(`${folder}/${file}`, 'utf8');
    } catch (error) {
      throw new ApiError('config', `cannot read the service account's ${file} in ${folder}: is automountServiceAccountToken on?`, {
        cause: error,
      });
    }
  };
  return {
    server,
    identity: () =>
      Promise.resolve().then(() => ({ headers: { authorization: `Bearer ${read('token').trim()}` }, tls: { ca: read('ca.crt') } })),
  };
}

/** True inside a pod with a service account. */
export function isInCluster(env: Record<string, string | undefined>): boolean {
  return (env['KUBERNETES_SERVICE_HOST'] ?? '') !== '' && existsSync(`${serviceAccount}/token`);
}

export interface KubeConfigOptions {
  /** Path of a kubeconfig; without one `KUBECONFIG` and then `~/.kube/config`. */
  kubeconfig?: string | undefined;
  /** Context to use instead of the current one. */
  context?: string | undefined;
}

/** A kubeconfig read by client-node: certificates, tokens, exec plugins, proxies. A 401 reads the file again. */
export async function kubeConfigCredentials(options: KubeConfigOptions): Promise<Credentials> {
  // Loaded only here: client-node costs some 80 MB of memory that an in-cluster process need not pay.
  const { KubeConfig: Loader } = await import('@kubernetes/client-node');
  const load = () => {
    const config = new Loader();
    try {
      if (options.kubeconfig === undefined) config.loadFromDefault();
      else config.loadFromFile(options.kubeconfig);
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      throw new ApiError('config', `cannot read the kubeconfig ${options.kubeconfig ?? '(default)'}: ${reason}`, { cause: error });
    }
    if (options.context !== undefined) config.setCurrentContext(options.context);
    return config;
  };
  return fromKubeConfig(load(), load);
}

/** Credentials of a loaded `KubeConfig`; `reload` makes a fresh one after a 401. */
export function fromKubeConfig(config: KubeConfig, reload?: () => KubeConfig): Credentials {
  let current = normalised(config);
  return {
    server: current.server,
    async identity(refresh) {
      if (refresh && reload !== undefined) current = normalised(reload());
      const request: RequestOptions = { headers: {} };
      try {
        await current.config.applyToHTTPSOptions(request);
      } catch (error) {
        const reason = error instanceof Error ? error.message : String(error);
        throw new ApiError('config', `the credentials of the kubeconfig cannot be used: ${reason}`, { cause: error });
      }
      const headers: Record<string, string> = {};
      for (const [name, value] of Object.entries(request.headers ?? {})) {
        if (value !== undefined) headers[name.toLowerCase()] = String(value).trim();
      }
      if (typeof request.auth === 'string') headers['authorization'] = `Basic ${Buffer.from(request.auth).toString('base64')}`;
      const tls: Identity['tls'] = {};
      if (request.ca !== undefined) tls.ca = request.ca;
      if (request.cert !== undefined) tls.cert = request.cert;
      if (request.key !== undefined) tls.key = request.key;
      if (request.rejectUnauthorized !== undefined) tls.rejectUnauthorized = request.rejectUnauthorized;
      if (request.servername !== undefined) tls.servername = request.servername;
      return { headers, tls, proxy: current.proxied && typeof request.agent === 'object' ? request.agent : undefined };
    },
  };
}

function normalised(config: KubeConfig): { config: KubeConfig; server: string; proxied: boolean } {
  const cluster = config.getCurrentCluster();
  if (cluster === null) {
    throw new ApiError(
      'config',
      `the kubeconfig has no cluster for its context ${JSON.stringify(config.getCurrentContext() ?? '')}: set current-context`,
    );
  }
  const server = checkedServer(cluster.server);
  // client-node refuses plain HTTP unless told so; a loopback API server speaks nothing else.
  if (server.startsWith('http:') && !cluster.skipTLSVerify) Object.assign(cluster, { skipTLSVerify: true });
  // Without a user client-node ignores the cluster's CA too.
  if (config.getCurrentUser() === null) {
    const name = 'herald-anonymous';
    config.users = [...config.users, { name }];
    config.contexts = config.contexts.map(context => (context.name === config.getCurrentContext() ? { ...context, user: name } : context));
  }
  return { config, server, proxied: (cluster.proxyUrl ?? '') !== '' };
}

function checkedServer(server: string): string {
  let url: URL;
  try {
    url = new URL(server);
  } catch (error) {
    throw new ApiError('config', `the API server's address ${JSON.stringify(server)} is not a URL`, { cause: error });
  }
  if (url.protocol !== 'https:' && url.protocol !== 'http:') {
    throw new ApiError('config', `the API server's address ${JSON.stringify(server)} must begin with https:// or http://`);
  }
  return server.replace(/\/+$/, '');
}
