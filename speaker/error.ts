export type SpeakerErrorCode =
  /** A capability that nothing works without is not granted. */
  | 'missing-capability'
  /** The key file cannot be used. */
  | 'bad-mesh-key'
  /** A pattern for interfaces is no regular expression. */
  | 'bad-interface-pattern'
  /** Another speaker of the same node has taken over. */
  | 'superseded'
  /** Begun from the snapshot of a cluster that this node no longer belongs to. */
  | 'other-cluster'
  /** What is pinned could not be removed. */
  | 'cleanup-failed'
  /** The thread that answers ARP and NDP ended. */
  | 'wire-thread-ended';

/** What ends a speaker. The message names the remedy. */
export class SpeakerError extends Error {
  override readonly name = 'SpeakerError';
  readonly code: SpeakerErrorCode;

  constructor(code: SpeakerErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}
