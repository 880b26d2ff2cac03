import { interfaceIndex, RawSocketError } from 'raw-socket';

/** The interface on which kube-proxy in IPVS mode binds every address of a Service. */
const ipvsInterface = 'kube-ipvs0';

/**
 * How kube-proxy works on this node, by the trace it leaves here: that needs no permission, and no ConfigMap that k3s, RKE2 and others do
 * not have. The interface outlives a change of mode until `kube-proxy --cleanup`, which errs on the safe side.
 */
export function kubeProxyMode(): 'IPVS' | 'Other' {
  try {
    interfaceIndex(ipvsInterface);
    return 'IPVS';
  } catch (error) {
    if (error instanceof RawSocketError) return 'Other';
    throw error;
  }
}
