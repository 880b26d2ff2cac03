import type { Cluster } from '../cluster.ts';
import { timestamp } from '../environment.ts';
import { badRequest, invalidObject, required } from '../errors.ts';
import type { Exchange } from '../http/exchange.ts';
import { receiveObject } from '../http/receive.ts';
import type { SpecialHandler } from '../http/router.ts';
import type { ApiObject, Json, JsonObject } from '../object.ts';
import type { Resource } from '../registry/resource.ts';
import { isObject } from '../schema/json.ts';
import type { Attributes } from './attributes.ts';
import type { Authorizer, PolicyRule } from './rbac.ts';
import type { TokenAuthority } from './tokens.ts';
import type { UserInfo } from './user.ts';

/** The kinds that are only ever created, and answer a question: who am I, may I, is this token good. */

export function reviewHandlers(authorizer: () => Authorizer, tokens: TokenAuthority): [string, SpecialHandler][] {
  const access = (who: (exchange: Exchange, spec: JsonObject, review: ApiObject) => UserInfo): SpecialHandler =>
    answered((exchange, review) => {
      const spec = objectOf(review['spec']);
      const decision = authorizer().authorize(attributesIn(spec, who(exchange, spec, review), review));
      return { allowed: decision.allowed, ...(decision.reason === '' ? {} : { reason: decision.reason }) };
    });
  const named = access((_exchange, spec, review) => subject(spec, review));
  return [
    ['authentication.k8s.io/selfsubjectreviews create', answered(exchange => ({ userInfo: userInfo(exchange.user) }))],
    ['authentication.k8s.io/tokenreviews create', answered((_exchange, review, cluster) => reviewToken(tokens, review, cluster))],
    ['authorization.k8s.io/selfsubjectaccessreviews create', access(exchange => exchange.user)],
    ['authorization.k8s.io/subjectaccessreviews create', named],
    ['authorization.k8s.io/localsubjectaccessreviews create', named],
    [
      'authorization.k8s.io/selfsubjectrulesreviews create',
      answered((exchange, review) => {
        const namespace = text(objectOf(review['spec'])['namespace']);
        if (namespace === '') throw badRequest('no namespace on request');
        return rulesStatus(authorizer().rules(exchange.user, namespace));
      }),
    ],
  ];
}

/** Decodes the review, computes its status, and sends it back; nothing is stored. */
function answered(status: (exchange: Exchange, review: ApiObject, cluster: Cluster) => JsonObject): SpecialHandler {
  return async (cluster: Cluster, exchange: Exchange, resource: Resource) => {
    const shape = exchange.shape();
    const { object: review } = await receiveObject(cluster, exchange, resource, 'CreateOptions');
    const metadata = {
      ...review.metadata,
      creationTimestamp: resource.kind === 'SelfSubjectReview' ? timestamp(cluster.environment.now()) : null,
    };
    const { apiVersion, kind, ...rest } = review;
    exchange.send(201, JSON.stringify({ kind, apiVersion, ...rest, metadata, status: status(exchange, review, cluster) }), shape);
  };
}

const objectOf = (value: Json | undefined): JsonObject => (isObject(value) ? value : {});
const text = (value: Json | undefined): string => (typeof value === 'string' ? value : '');
const texts = (value: Json | undefined): string[] => (Array.isArray(value) ? value.filter(item => typeof item === 'string') : []);

const userInfo = (user: UserInfo): JsonObject => ({
  username: user.name,
  ...(user.uid === undefined ? {} : { uid: user.uid }),
  groups: [...user.groups],
});

function subject(spec: JsonObject, review: ApiObject): UserInfo {
  const name = text(spec['user']);
  const groups = texts(spec['groups']);
  if (name === '' && groups.length === 0) {
    throw invalidObject({ group: 'authorization.k8s.io', kind: review.kind }, '', [
      required('spec.user', 'at least one of user or group must be specified'),
    ]);
  }
  return { name, groups };
}

function attributesIn(spec: JsonObject, user: UserInfo, review: ApiObject): Attributes {
  const { resourceAttributes, nonResourceAttributes } = spec;
  if (isObject(resourceAttributes) === isObject(nonResourceAttributes)) {
    throw invalidObject({ group: 'authorization.k8s.io', kind: review.kind }, '', [
      {
        reason: 'FieldValueInvalid',
        message: `Invalid value: ${JSON.stringify(resourceAttributes ?? null)}: exactly one of nonResourceAttributes or resourceAttributes must be specified`,
        field: 'spec.resourceAttributes',
      },
    ]);
  }
  const asked = objectOf(resourceAttributes);
  const path = objectOf(nonResourceAttributes);
  const isResource = isObject(resourceAttributes);
  return {
    user,
    verb: text(isResource ? asked['verb'] : path['verb']),
    isResource,
    path: text(path['path']),
    namespace: text(asked['namespace']),
    group: text(asked['group']),
    resource: text(asked['resource']),
    subresource: text(asked['subresource']),
    name: text(asked['name']),
  };
}

function reviewToken(tokens: TokenAuthority, review: ApiObject, cluster: Cluster): JsonObject {
  const user = tokens.authenticate(text(objectOf(review['spec'])['token']), cluster.environment.now());
  return user === undefined
    ? { user: {}, error: 'invalid bearer token' }
    : { authenticated: true, user: userInfo(user), audiences: texts(objectOf(review['spec'])['audiences']) };
}

const list = (names: readonly string[], key: string): JsonObject => (names.length === 0 ? {} : { [key]: [...names] });

function rulesStatus(rules: readonly PolicyRule[]): JsonObject {
  return {
    resourceRules: rules
      .filter(rule => rule.resources.length > 0)
      .map(rule => ({
        verbs: [...rule.verbs],
        apiGroups: [...rule.apiGroups],
        resources: [...rule.resources],
        ...list(rule.resourceNames, 'resourceNames'),
      })),
    nonResourceRules: rules
      .filter(rule => rule.nonResourceURLs.length > 0)
      .map(rule => ({ verbs: [...rule.verbs], nonResourceURLs: [...rule.nonResourceURLs] })),
    incomplete: false,
  };
}
