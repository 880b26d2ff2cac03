import { createHash } from 'node:crypto';
import type { Cluster } from '../cluster.ts';
import * as openapi from '../openapi/index.ts';
import { aggregatedDiscovery, apiGroup, apiGroupList, apiResourceList, apiVersions } from './discovery.ts';
import type { Exchange } from './exchange.ts';
import { parseAccept } from './negotiate.ts';

/** Everything that is no resource: health, version, discovery, OpenAPI. */

/** The version that the server says it is. */
export interface ServerVersion {
  major: string;
  minor: string;
  gitVersion: string;
}

/** Answers a request for one of the documents; false when the path is none of theirs. */
export class Documents {
  readonly #cluster: Cluster;
  readonly #version: ServerVersion;
  readonly #address: () => string;
  #openApi: { generation: number; documents: openapi.OpenApiDocuments } | undefined;

  constructor(cluster: Cluster, version: ServerVersion, address: () => string) {
    this.#cluster = cluster;
    this.#version = version;
    this.#address = address;
  }

  serve(exchange: Exchange): boolean {
    const path = exchange.info.path.replace(/\/+$/, '');
    const { method } = exchange.request;
    if (method !== 'GET' && method !== 'HEAD') return false;
    if (/^\/(livez|readyz|healthz)(\/ping|\/etcd|\/log)?$/.test(path)) {
      exchange.sendText(200, 'ok', 'text/plain; charset=utf-8', { 'X-Content-Type-Options': 'nosniff' });
      return true;
    }
    if (path === '') return this.#json(exchange, { paths: this.#paths() });
    if (path === '/version') return this.#json(exchange, this.#versionInfo());
    if (path === '/api' || path === '/apis') return this.#groups(exchange, path === '/api');
    if (path === '/openapi/v2') return this.#v2(exchange);
    if (path === '/openapi/v3') return this.#json(exchange, this.#documents().index());
    if (path.startsWith('/openapi/v3/')) return this.#v3(exchange, path.slice('/openapi/v3/'.length));
    return this.#discovery(exchange, path);
  }

  #json(exchange: Exchange, value: object): boolean {
    const shape = exchange.shape();
    exchange.send(200, JSON.stringify(value), shape);
    return true;
  }

  /** What `GET /` lists. */
  #paths(): string[] {
    const groups = this.#cluster.registry
      .groups()
      .flatMap(({ name, versions }) => [`/apis/${name}`, ...versions.map(version => `/apis/${name}/${version}`)]);
    const fixed = ['/api', '/api/v1', '/apis', '/healthz', '/livez', '/openapi/v2', '/openapi/v3', '/readyz', '/version'];
    return [...fixed, ...groups].sort();
  }

  #versionInfo(): object {
    return {
      ...this.#version,
      gitCommit: '',
      gitTreeState: 'clean',
      buildDate: '1970-01-01T00:00:00Z',
      goVersion: `node ${process.version}`,
      compiler: 'node',
      platform: `${process.platform}/${process.arch === 'x64' ? 'amd64' : process.arch}`,
    };
  }

  #groups(exchange: Exchange, core: boolean): boolean {
    const { registry } = this.#cluster;
    for (const range of parseAccept(exchange.request.headers.accept ?? '')) {
      if (range.type !== 'application/json' && range.type !== '*/*') continue;
      const as = range.parameters.get('as');
      const version = range.parameters.get('v') ?? '';
      if (as === undefined) break;
      if (as !== 'APIGroupDiscoveryList' || (version !== 'v2' && version !== 'v2beta1')) continue;
      const type = `application/json;g=apidiscovery.k8s.io;v=${version};as=APIGroupDiscoveryList`;
      const text = JSON.stringify(aggregatedDiscovery(registry, version, core));
      return this.#tagged(exchange, text, createHash('sha512').update(text).digest('hex').toUpperCase(), type, {
        Vary: 'Accept',
        'Cache-Control': 'public',
      });
    }
    return this.#json(exchange, core ? apiVersions(this.#address()) : apiGroupList(registry));
  }

  #discovery(exchange: Exchange, path: string): boolean {
    const { registry } = this.#cluster;
    const [root, group = '', version = '', ...rest] = path.split('/').slice(1);
    if (rest.length > 0) return false;
    if (root === 'api' && version === '' && registry.serves('', group)) return this.#json(exchange, apiResourceList(registry, '', group));
    if (root !== 'apis' || group === '') return false;
    if (version === '') {
      const document = apiGroup(registry, group);
      return document === undefined ? false : this.#json(exchange, document);
    }
    return registry.serves(group, version) ? this.#json(exchange, apiResourceList(registry, group, version)) : false;
  }

  #documents(): openapi.OpenApiDocuments {
    const { registry } = this.#cluster;
    if (this.#openApi?.generation !== registry.generation) {
      const served = [...registry.all()].map(resource => ({
        group: resource.group,
        version: resource.version,
        kind: resource.kind,
        plural: resource.plural,
        namespaced: resource.namespaced,
        subresources: resource.subresources.map(sub => sub.name),
        ...(resource.custom === undefined ? {} : { schema: resource.custom.openApi }),
      }));
      this.#openApi = { generation: registry.generation, documents: openapi.openApiDocuments(served, this.#version.gitVersion) };
    }
    return this.#openApi.documents;
  }

  #v2(exchange: Exchange): boolean {
    const accept = exchange.request.headers.accept ?? '';
    if (accept.includes('proto-openapi')) exchange.sendBytes(200, openapi.openApiV2Protobuf.body, openapi.openApiV2Protobuf.contentType);
    else exchange.sendText(200, this.#documents().v2(), 'application/json');
    return true;
  }

  #v3(exchange: Exchange, path: string): boolean {
    const document = this.#documents().v3(path);
    if (document === undefined) return false;
    return this.#tagged(exchange, document.body, document.hash, 'application/json', {});
  }

  /** A document that clients keep: they ask with its tag, and get it again only when it has changed. */
  #tagged(exchange: Exchange, body: string, hash: string, type: string, headers: Readonly<Record<string, string>>): boolean {
    const etag = `"${hash}"`;
    if (exchange.request.headers['if-none-match'] === etag) exchange.sendText(304, '', type, { ETag: etag, ...headers });
    else exchange.sendText(200, body, type, { ETag: etag, ...headers });
    return true;
  }
}
