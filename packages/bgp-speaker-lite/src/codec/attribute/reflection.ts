import { Reader } from '../reader.ts';
import { type AttributeCodec, AttributeError, AttributeType, OPTIONAL_NON_TRANSITIVE, OPTIONAL_TRANSITIVE, wrongLength } from './codec.ts';

/** ORIGINATOR_ID (RFC 4456 §8): from a route reflector to its clients. */
export interface OriginatorId {
  readonly type: typeof AttributeType.ORIGINATOR_ID;
  readonly flags: number;
  readonly id: number;
}

/** CLUSTER_LIST (RFC 4456 §8). */
export interface ClusterList {
  readonly type: typeof AttributeType.CLUSTER_LIST;
  readonly flags: number;
  readonly ids: readonly number[];
}

/** ONLY_TO_CUSTOMER (RFC 9234 §5). */
export interface OnlyToCustomer {
  readonly type: typeof AttributeType.ONLY_TO_CUSTOMER;
  readonly flags: number;
  readonly asn: number;
}

export const originatorId: AttributeCodec<OriginatorId> = {
  type: AttributeType.ORIGINATOR_ID,
  name: 'ORIGINATOR_ID',
  flags: OPTIONAL_NON_TRANSITIVE,

  decode(value, { external }) {
    if (external) throw new AttributeError('attribute-discard', 'ORIGINATOR_ID from an external peer');
    if (value.length !== 4) throw wrongLength('ORIGINATOR_ID', value.length);
    return { id: new Reader(value).u32() };
  },

  encode: ({ id }, writer) => void writer.u32(id),
};

export const clusterList: AttributeCodec<ClusterList> = {
  type: AttributeType.CLUSTER_LIST,
  name: 'CLUSTER_LIST',
  flags: OPTIONAL_NON_TRANSITIVE,

  decode(value, { external }) {
    if (external) throw new AttributeError('attribute-discard', 'CLUSTER_LIST from an external peer');
    if (value.length === 0 || value.length % 4 !== 0) throw wrongLength('CLUSTER_LIST', value.length);
    const reader = new Reader(value);
    return { ids: Array.from({ length: value.length / 4 }, () => reader.u32()) };
  },

  encode({ ids }, writer) {
    for (const id of ids) writer.u32(id);
  },
};

export const onlyToCustomer: AttributeCodec<OnlyToCustomer> = {
  type: AttributeType.ONLY_TO_CUSTOMER,
  name: 'ONLY_TO_CUSTOMER',
  flags: OPTIONAL_TRANSITIVE,

  decode(value) {
    if (value.length !== 4) throw wrongLength('ONLY_TO_CUSTOMER', value.length);
    return { asn: new Reader(value).u32() };
  },

  encode: ({ asn }, writer) => void writer.u32(asn),
};
