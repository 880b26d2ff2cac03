import type { ReasonTable } from './entry.ts';

/** Why two Services may not share the address that one of them asks for. The message names the pair and what failed. */
export const sharingReasons = {
  AddressInUse: {
    status: 'False',
    severity: 'Warning',
    summary: 'The address asked for belongs to another Service',
    meaning: 'Another Service holds the address, and at least one of the two has no sharing key (annotation allow-shared-ip).',
    remedy: 'Ask for another address, or put the same heraldlb.io/allow-shared-ip on both Services.',
  },
  SharingKeyMismatch: {
    status: 'False',
    severity: 'Warning',
    summary: 'The Services on the address have another sharing key',
    meaning: 'Both Services have the annotation allow-shared-ip, but with different values.',
    remedy: 'Give both the same value, or ask for another address.',
  },
  SharingPortConflict: {
    status: 'False',
    severity: 'Warning',
    summary: 'A Service on the address already uses the port',
    meaning:
      'Services that share an address must not have a protocol and port in common. The message names the port and the Service that has it.',
    remedy: 'Use another port or another address.',
  },
  SharingPolicyMismatch: {
    status: 'False',
    severity: 'Warning',
    summary: 'The Services on the address have another externalTrafficPolicy',
    meaning:
      'Services that share an address must have the same externalTrafficPolicy: under Local only nodes with a pod announce it, under Cluster all of them.',
    remedy: 'Give both Services the same externalTrafficPolicy, or use another address.',
  },
  SharingSelectorMismatch: {
    status: 'False',
    severity: 'Warning',
    summary: 'The Services on the address have other pods',
    meaning:
      'Under externalTrafficPolicy Local, Services that share an address must have the same selector: the node that announces it must have a pod of each.',
    remedy: 'Give both the same selector, use externalTrafficPolicy Cluster, or use another address.',
  },
  SharingAcrossNamespaces: {
    status: 'False',
    severity: 'Warning',
    summary: 'The Services on the address are in another namespace',
    meaning: 'Services of different namespaces share an address only where its pool has allowCrossNamespaceSharing.',
    remedy: 'Use another address, or set allowCrossNamespaceSharing on the pool if the namespaces trust each other.',
  },
} as const satisfies ReasonTable;
