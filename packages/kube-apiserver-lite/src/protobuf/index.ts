import { define, isObject, type Json, type JsonObject } from '../schema/json.ts';
import { messages } from './messages.ts';
import { fields, WireError, type WireField } from './wire.ts';

export type ProtobufResult =
  | { readonly ok: true; readonly object: JsonObject }
  | { readonly ok: false; readonly code: 400 | 415; readonly message: string };

/** `k8s\0`, then a runtime.Unknown. */
const magic = [0x6b, 0x38, 0x73, 0x00];
const maxDepth = 32;
const utf8 = new TextDecoder('utf-8', { fatal: true });

class Unsupported extends Error {}

/**
 * Decodes an `application/vnd.kubernetes.protobuf` body. 415: a kind or field without a table, which the message names;
 * 400: broken bytes. Empty members are left in: decoding into the kind drops them.
 */
export function decodeProtobuf(body: Uint8Array): ProtobufResult {
  if (body.length < 4 || magic.some((byte, i) => body[i] !== byte)) {
    return { ok: false, code: 400, message: 'provided data does not appear to be a protobuf message, expected prefix [107 56 115 0]' };
  }
  let kind = '';
  let apiVersion = '';
  try {
    let raw: Uint8Array = new Uint8Array();
    for (const field of fields(body.subarray(4))) {
      if (field.number === 1) {
        for (const part of fields(field.bytes)) {
          if (part.number === 1) apiVersion = utf8.decode(part.bytes);
          else if (part.number === 2) kind = utf8.decode(part.bytes);
        }
      } else if (field.number === 2) raw = field.bytes;
    }
    const message = `${apiVersion}/${kind}`;
    if (!Object.hasOwn(messages, message)) throw new Unsupported(`${kind} in version ${JSON.stringify(apiVersion)}`);
    return { ok: true, object: { apiVersion, kind, ...decodeMessage(raw, message, 0) } };
  } catch (error) {
    if (error instanceof Unsupported) {
      return {
        ok: false,
        code: 415,
        message: `the body of the request was in an unknown format - this server does not read ${error.message} as protobuf, send application/json`,
      };
    }
    if (error instanceof WireError || error instanceof TypeError) {
      return {
        ok: false,
        code: 400,
        message: `${kind || 'object'} in version ${JSON.stringify(apiVersion)} cannot be handled: proto: ${error.message}`,
      };
    }
    throw error;
  }
}

function decodeMessage(bytes: Uint8Array, name: string, depth: number): JsonObject {
  if (depth > maxDepth) throw new WireError('messages are nested too deeply');
  const table = messages[name];
  if (!table) throw new Unsupported(name);
  const object: JsonObject = {};
  if (name === 'Ignored') return object;
  for (const field of fields(bytes)) {
    const entry = table[field.number];
    if (!entry) throw new Unsupported(`field ${field.number} of ${name}`);
    const [key, type] = entry;
    if (type.startsWith('[]')) {
      const list = Array.isArray(object[key]) ? object[key] : [];
      list.push(decodeValue(field, type.slice(2), depth));
      object[key] = list;
    } else if (type.startsWith('{}')) {
      const map: JsonObject = isObject(object[key]) ? object[key] : {};
      const [mapKey, value] = decodeEntry(field.bytes, type.slice(2), depth);
      define(map, mapKey, value);
      object[key] = map;
    } else if (key === '') Object.assign(object, decodeMessage(field.bytes, type, depth + 1));
    else object[key] = decodeValue(field, type, depth);
  }
  return object;
}

function decodeEntry(bytes: Uint8Array, type: string, depth: number): [string, Json] {
  let key = '';
  let value: Json = type === 'quantity' ? '0' : '';
  for (const field of fields(bytes)) {
    if (field.number === 1) key = utf8.decode(field.bytes);
    else if (field.number === 2) value = decodeValue(field, type, depth);
  }
  return [key, value];
}

function decodeValue(field: WireField, type: string, depth: number): Json {
  switch (type) {
    case 'string':
      return utf8.decode(field.bytes);
    case 'bytes':
      return Buffer.from(field.bytes).toString('base64');
    case 'bool':
      return field.varint !== 0n;
    case 'int':
      return Number(BigInt.asIntN(64, field.varint));
    case 'time':
      return decodeTime(field.bytes);
    case 'quantity': {
      for (const part of fields(field.bytes)) if (part.number === 1) return utf8.decode(part.bytes);
      return '0';
    }
    case 'intstr':
      return decodeIntOrString(field.bytes);
    default:
      return decodeMessage(field.bytes, type, depth + 1);
  }
}

/** metav1.Time: seconds and nanoseconds; nothing at all for a time that is not set. */
function decodeTime(bytes: Uint8Array): Json {
  let seconds: bigint | undefined;
  for (const part of fields(bytes)) if (part.number === 1) seconds = BigInt.asIntN(64, part.varint);
  if (seconds === undefined) return null;
  const date = new Date(Number(seconds) * 1000);
  return Number.isNaN(date.getTime()) ? null : `${date.toISOString().slice(0, 19)}Z`;
}

function decodeIntOrString(bytes: Uint8Array): Json {
  let text = false;
  let number = 0;
  let string = '';
  for (const part of fields(bytes)) {
    if (part.number === 1) text = part.varint === 1n;
    else if (part.number === 2) number = Number(BigInt.asIntN(64, part.varint));
    else if (part.number === 3) string = utf8.decode(part.bytes);
  }
  return text ? string : number;
}
