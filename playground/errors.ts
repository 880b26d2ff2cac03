/** Why the playground cannot do something; the message names the remedy. */
export type PlaygroundErrorCode = 'ENAMESPACES' | 'ECOMMAND' | 'ENOTREADY' | 'ENOTRUNNING' | 'ERUNNING' | 'EUNKNOWN' | 'EMISSING';

export class PlaygroundError extends Error {
  readonly code: PlaygroundErrorCode;

  constructor(code: PlaygroundErrorCode, message: string) {
    super(message);
    this.name = 'PlaygroundError';
    this.code = code;
  }
}
