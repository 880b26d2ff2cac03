import type { ReasonTable } from './entry.ts';

/**
 * Reasons of the condition `Ready` of the objects a user writes (pools, advertisements, peers, …); they are the codes of the problems
 * that `resolve()` finds.
 */
export const configurationReasons = {
  Valid: {
    status: 'True',
    severity: 'Normal',
    summary: 'The object is valid and in use',
    meaning: 'Everything in the specification could be read, and nothing contradicts another object.',
    remedy: 'Nothing to do.',
  },
  NoOverlap: {
    status: 'False',
    severity: 'Normal',
    summary: 'The pool overlaps no older pool',
    meaning: 'Reason of the condition Overlapping=False of an IPAddressPool.',
    remedy: 'Nothing to do.',
  },
  InvalidField: {
    status: 'False',
    severity: 'Warning',
    summary: 'A field has a value that cannot be used',
    meaning:
      'A field is missing, has a wrong type, or is out of its bounds. Objects are checked again when they are read, because they may have been written past the schema.',
    remedy: 'Correct the field that the message names. Until then the last valid version of the object stays in force.',
  },
  InvalidAddress: {
    status: 'False',
    severity: 'Warning',
    summary: 'A text is not an address, CIDR or range',
    meaning: 'An entry is not an IPv4 or IPv6 address, CIDR or range first-last where one is needed.',
    remedy: 'Correct the entry that the message names. A single address in a pool is written /32 or /128.',
  },
  RangeReversed: {
    status: 'False',
    severity: 'Warning',
    summary: 'A range ends before it starts',
    meaning: 'The first address of a range is higher than its last one.',
    remedy: 'Swap the two addresses.',
  },
  OverlappingAddresses: {
    status: 'False',
    severity: 'Warning',
    summary: 'Two entries of a pool overlap',
    meaning: 'An address is contained in two entries of spec.addresses of the same pool.',
    remedy: 'Write each address once; the message names both entries.',
  },
  OverlapsOtherPool: {
    status: 'False',
    severity: 'Warning',
    summary: 'The pool overlaps an older pool',
    meaning:
      'An address is in two pools. The pool that was created later (by name, if at the same time) is not used; the older one goes on. The message names the other pool and the range.',
    remedy: 'Remove the range from one of the two pools.',
  },
  DuplicateName: {
    status: 'False',
    severity: 'Warning',
    summary: 'Another object has the same name',
    meaning: 'Objects of this kind are referred to by name, and one of another API group or namespace has it already.',
    remedy: 'Rename one of them.',
  },
  DuplicateEntry: {
    status: 'False',
    severity: 'Warning',
    summary: 'An entry occurs twice',
    meaning: 'A list that must not repeat an entry does, or two objects define the same thing.',
    remedy: 'Remove one of the two; the message names them.',
  },
  InvalidSelector: {
    status: 'False',
    severity: 'Warning',
    summary: 'A label selector contradicts itself',
    meaning: 'A requirement has an unknown operator, In or NotIn without values, or Exists or DoesNotExist with values.',
    remedy: 'Correct the requirement that the message names.',
  },
  InvalidDuration: {
    status: 'False',
    severity: 'Warning',
    summary: 'A text is not a duration, or the duration is not allowed',
    meaning:
      'Durations are written as 300ms, 90s or 1m30s. BGP hold times are 0 or at least 3 s, and a keepalive time is not longer than the hold time.',
    remedy: 'Correct the field that the message names.',
  },
  UnknownReference: {
    status: 'True',
    severity: 'Warning',
    summary: 'The object names another object that does not exist',
    meaning: 'A pool, peer or other object named here does not exist (yet). The rest of the object is in use.',
    remedy: 'Create the object that the message names, or correct the name. The order of creation does not matter.',
  },
  MissingProfile: {
    status: 'False',
    severity: 'Warning',
    summary: 'The BFDProfile of the peer does not exist',
    meaning:
      'The peer waits for its BFD profile, because a session without the protection that was asked for would be a surprise. Other peers are not affected.',
    remedy: 'Create the BFDProfile that the message names, or remove it from the peer.',
  },
  UnknownCommunity: {
    status: 'False',
    severity: 'Warning',
    summary: 'A community is neither a value nor a known alias',
    meaning:
      'A community of a BGPAdvertisement is not written as 64500:100 or large:64500:1:2 and no Community object defines it. Routes without it could go where they must not, so the advertisement waits.',
    remedy: 'Correct it, or create the Community that defines the alias.',
  },
  InvalidCommunity: {
    status: 'False',
    severity: 'Warning',
    summary: 'The value of a community cannot be read',
    meaning: 'Values are written as 64500:100 (two numbers up to 65535) or large:64500:1:2 (three numbers up to 4294967295).',
    remedy: 'Correct the value that the message names.',
  },
  AggregationTooLong: {
    status: 'False',
    severity: 'Warning',
    summary: 'The aggregation length does not fit the pool',
    meaning:
      'A CIDR of a selected pool is longer than the aggregation length: announcing the aggregate would attract traffic for addresses outside the pool.',
    remedy: 'Use a longer aggregation length, or a pool that covers the aggregate.',
  },
  ContradictoryFields: {
    status: 'False',
    severity: 'Warning',
    summary: 'Two fields exclude each other',
    meaning: 'Fields are set of which at most one may be, or none of which one is needed.',
    remedy: 'Set exactly what the message says.',
  },
  ConflictingPeers: {
    status: 'False',
    severity: 'Warning',
    summary: 'Two peers that may run on one node contradict each other',
    meaning:
      'Two BGPPeers have the same address (and VRF) or interface, and their nodeSelectors do not keep them apart. The one created later is not used.',
    remedy: 'Remove one of them, or give them disjoint nodeSelectors.',
  },
  ExclusionOutsidePool: {
    status: 'True',
    severity: 'Warning',
    summary: 'An excluded address is not in the pool',
    meaning: 'An entry of excludedAddresses excludes nothing, because the pool does not contain it. It is ignored.',
    remedy: 'Correct or remove the entry.',
  },
  NothingToGive: {
    status: 'True',
    severity: 'Warning',
    summary: 'Every address of the pool is excluded',
    meaning: 'excludedAddresses covers the whole pool: it is valid, but no Service can get an address of it.',
    remedy: 'Remove exclusions or add addresses.',
  },
  ReservationOutsidePools: {
    status: 'True',
    severity: 'Warning',
    summary: 'A reserved address is in no pool',
    meaning: 'An IPReservation keeps an address that no pool contains: the Service could not get it.',
    remedy: 'Correct the address, or add it to a pool.',
  },
  ReservationTaken: {
    status: 'False',
    severity: 'Warning',
    summary: 'The address is reserved twice, or held by another Service',
    meaning: 'An older IPReservation keeps the address for another Service, or another Service holds it already.',
    remedy: 'Delete one of the two reservations, or choose another address.',
  },
} as const satisfies ReasonTable;
