/**
 * Every failure this package reports to its user, with the stable `code` it carries.
 * The message of each error names the object and the remedy; this table says what the code means.
 */
export const ERROR_CODES = {
  BGP_BAD_PREFIX: 'A prefix given to announce or withdraw is not a prefix.',
  BGP_BAD_ADDRESS: 'Text given as an IP address is not one.',
  BGP_BAD_OPTION: 'An option of the speaker or of a peer has a value that BGP does not allow.',
  BGP_BAD_ROUTE: 'An attribute of a route has a value that BGP does not allow.',
  BGP_BAD_MESSAGE: 'A message does not follow its RFC; the error carries the NOTIFICATION that answers it.',
  BGP_UNKNOWN_PEER: 'No peer has this name.',
  BGP_DUPLICATE_PEER: 'A peer with this name, or with this address, exists already.',
  BGP_UNSUPPORTED: 'The kernel of this machine lacks what the option needs.',
  BGP_STOPPED: 'The speaker has been stopped.',
  BGP_LISTEN: 'The speaker cannot listen on its port.',
} as const;

export type BgpErrorCode = keyof typeof ERROR_CODES;

/** The one error class of this package: switch on `code`, show `message`. */
export class BgpError extends Error {
  override readonly name: string = 'BgpError';
  readonly code: BgpErrorCode;

  constructor(code: BgpErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}
