/** What a request asks for, read from its method and path (`k8s.io/apiserver/pkg/endpoints/request.RequestInfo`). */

export type Verb = 'get' | 'list' | 'watch' | 'create' | 'update' | 'patch' | 'delete' | 'deletecollection' | (string & {});

export interface RequestInfo {
  /** False for paths such as `/version` and for discovery: then only `verb` (the method) and `path` have a meaning. */
  isResource: boolean;
  path: string;
  verb: Verb;
  group: string;
  version: string;
  namespace: string;
  /** The plural. */
  resource: string;
  name: string;
  subresource: string;
  /** What is left of the path behind a subresource: never served here. */
  rest: string[];
}

const METHOD_VERBS: Record<string, string> = { POST: 'create', GET: 'get', HEAD: 'get', PUT: 'update', PATCH: 'patch', DELETE: 'delete' };
/** Subresources of Namespace, so that `namespaces/x/status` is not taken for a kind `status` in x. */
const NAMESPACE_SUBRESOURCES = new Set(['status', 'finalize']);

/** `watch` of the query as client-go writes it: present and not false. */
export const isWatch = (query: URLSearchParams): boolean => {
  const value = query.get('watch');
  return value !== null && value !== 'false' && value !== '0';
};

export function requestInfo(method: string, path: string, query: URLSearchParams): RequestInfo {
  const info: RequestInfo = {
    isResource: false,
    path,
    verb: method.toLowerCase(),
    group: '',
    version: '',
    namespace: '',
    resource: '',
    name: '',
    subresource: '',
    rest: [],
  };
  const segments = path.split('/').filter(segment => segment !== '');
  let rest: string[];
  if (segments[0] === 'api' && segments.length >= 3) {
    info.version = segments[1] ?? '';
    rest = segments.slice(2);
  } else if (segments[0] === 'apis' && segments.length >= 4) {
    info.group = segments[1] ?? '';
    info.version = segments[2] ?? '';
    rest = segments.slice(3);
  } else {
    return info;
  }
  info.isResource = true;
  info.verb = METHOD_VERBS[method] ?? method.toLowerCase();
  let watchPath = false;
  let nested = false;
  if (rest[0] === 'watch' && rest.length > 1) {
    watchPath = true;
    rest = rest.slice(1);
  }
  if (rest[0] === 'namespaces' && rest.length > 1) {
    info.namespace = rest[1] ?? '';
    if (rest.length > 2 && !NAMESPACE_SUBRESOURCES.has(rest[2] ?? '')) {
      rest = rest.slice(2);
      nested = true;
    }
  }
  info.resource = rest[0] ?? '';
  info.name = rest[1] ?? '';
  info.subresource = rest[2] ?? '';
  info.rest = rest.slice(3);
  // A Namespace is cluster-scoped; what its path names is the object.
  if (info.resource === 'namespaces' && !nested) info.namespace = '';
  if (info.verb === 'get') {
    if (watchPath || isWatch(query)) info.verb = 'watch';
    else if (info.name === '') info.verb = 'list';
  } else if (info.verb === 'delete' && info.name === '') {
    info.verb = 'deletecollection';
  }
  return info;
}
