import { type Capability, decodeCapabilities, encodeCapability } from './capability/index.ts';
import { MessageError } from './message-error.ts';
import { ErrorCode } from './notification.ts';
import { Reader, TruncatedError } from './reader.ts';
import type { Writer } from './writer.ts';

/** OPEN (RFC 4271 §4.2). */
export interface Open {
  readonly version: number;
  /** Two octets; AS_TRANS when the number needs four (RFC 6793 §4.1). */
  readonly myAs: number;
  /** Seconds. */
  readonly holdTime: number;
  readonly bgpIdentifier: number;
  readonly parameters: readonly OptionalParameter[];
  /** Whether the parameters use the long form of RFC 9072; chosen by need when sending. */
  readonly extendedParameters?: boolean;
  /** First octet of the long form; 255 when sent, anything when read (RFC 9072 §2). */
  readonly nonExtendedLength?: number;
}

/** An optional parameter: capabilities (type 2, RFC 5492 §4), or another that is answered with 2/4. */
export type OptionalParameter =
  | { readonly type: typeof CAPABILITIES; readonly capabilities: readonly Capability[] }
  | { readonly type: number; readonly value: Uint8Array };

const CAPABILITIES = 2;
const EXTENDED = 255;

/** Wraps capabilities in one parameter, as BIRD, GoBGP and OpenBGPD do. */
export function capabilityParameters(capabilities: readonly Capability[]): OptionalParameter[] {
  return capabilities.length === 0 ? [] : [{ type: CAPABILITIES, capabilities }];
}

/** All capabilities of an OPEN, whether sent one by one or all in one parameter. */
export function capabilitiesOf(open: Open): Capability[] {
  return open.parameters.flatMap(parameter => ('capabilities' in parameter ? parameter.capabilities : []));
}

function encodeParameter(writer: Writer, parameter: OptionalParameter): void {
  if ('value' in parameter) writer.bytes(parameter.value);
  else for (const capability of parameter.capabilities) encodeCapability(writer, capability);
}

export function encodeOpen(open: Open, writer: Writer): void {
  writer.u8(open.version).u16(open.myAs).u16(open.holdTime).u32(open.bgpIdentifier);
  const bodies = open.parameters.map(parameter => {
    const body = writer.fork();
    encodeParameter(body, parameter);
    return { type: parameter.type, bytes: body.finish() };
  });
  const total = bodies.reduce((sum, { bytes }) => sum + 2 + bytes.length, 0);
  const extended = open.extendedParameters ?? (total > 254 || bodies.some(({ bytes }) => bytes.length > 255));
  const parameters = (target: Writer) => {
    for (const { type, bytes } of bodies) {
      target.u8(type);
      if (extended) target.u16(bytes.length);
      else target.u8(bytes.length);
      target.bytes(bytes);
    }
  };
  if (extended)
    writer
      .u8(open.nonExtendedLength ?? EXTENDED)
      .u8(EXTENDED)
      .sized16(parameters);
  else writer.sized8(parameters);
}

function unspecific(reason: string): MessageError {
  return new MessageError(ErrorCode.OPEN_MESSAGE, 0, `OPEN: ${reason}`);
}

function decodeParameters(reader: Reader, extended: boolean): OptionalParameter[] {
  const parameters: OptionalParameter[] = [];
  while (reader.remaining > 0) {
    const type = reader.u8();
    const value = reader.take(extended ? reader.u16() : reader.u8());
    parameters.push(type === CAPABILITIES ? { type: CAPABILITIES, capabilities: decodeCapabilities(value) } : { type, value });
  }
  return parameters;
}

/** Reads the form; whether the values suit us is negotiated in `fsm/negotiate.ts`. Throws 2/0 when the parameters do not fit. */
export function decodeOpen(body: Uint8Array): Open {
  const reader = new Reader(body);
  try {
    const version = reader.u8();
    const fixed = { version, myAs: reader.u16(), holdTime: reader.u16(), bgpIdentifier: reader.u32() };
    const first = reader.u8();
    const extended = first !== 0 && reader.remaining >= 3 && body[reader.offset] === EXTENDED;
    if (extended) reader.u8();
    const length = extended ? reader.u16() : first;
    if (length !== reader.remaining) throw unspecific(`optional parameters of ${length} octets where ${reader.remaining} follow`);
    const parameters = decodeParameters(reader, extended);
    return extended
      ? { ...fixed, parameters, extendedParameters: true, nonExtendedLength: first }
      : { ...fixed, parameters, extendedParameters: false };
  } catch (error) {
    if (error instanceof TruncatedError) throw unspecific(error.message);
    throw error;
  }
}
