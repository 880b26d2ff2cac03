import type { V1EndpointSlice, V1LoadBalancerStatus, V1ServiceSpec } from '@kubernetes/client-node';

/** The parts of a Service that forwarding reads. */
export interface ServiceView {
  metadata?: { name?: string; namespace?: string };
  spec?: V1ServiceSpec;
  status?: { loadBalancer?: V1LoadBalancerStatus };
}

/** The parts of an EndpointSlice that forwarding reads. */
export interface SliceView {
  metadata?: { namespace?: string; labels?: Record<string, string> };
  addressType: string;
  ports?: V1EndpointSlice['ports'];
  endpoints?: V1EndpointSlice['endpoints'];
}

/** What one node knows of itself. */
export interface NodeView {
  name: string;
  /** Pod networks of the whole cluster: a client inside them is not external. */
  podCidrs: readonly string[];
}

export interface Backend {
  address: string;
  port: number;
  /** On this very node. */
  local: boolean;
}
