/** Reads captured messages without a session: the codec is pure. The sample is the OPEN of a BIRD 2.0. */
import { decodeMessage, INITIAL_CONTEXT, MessageError } from 'bgp-speaker-lite/codec';

const captured =
  'ffffffffffffffffffffffffffffffff003e0104fdea00090a4d000221021f01040001000101040002000102000901034002007841040000fdea46004700';

const message = decodeMessage(Uint8Array.from(Buffer.from(captured, 'hex')), INITIAL_CONTEXT);
if (message.kind === 'open') console.log(`AS ${message.open.myAs}, hold time ${message.open.holdTime} s`, message.open.parameters);

// What breaks the protocol is an error that carries the NOTIFICATION to answer with.
try {
  decodeMessage(Uint8Array.from(Buffer.from(`${captured.slice(0, 36)}09`, 'hex')), INITIAL_CONTEXT);
} catch (error) {
  if (error instanceof MessageError) console.log(error.message, error.notification.code, error.notification.subcode);
}
