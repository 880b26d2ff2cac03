import type { IncomingMessage } from 'node:http';
import { parseDocument } from 'yaml';
import { type ApiStatusError, badRequest, tooLarge } from '../errors.ts';
import type { Json } from '../object.ts';
import { JsonSyntaxError, parseJson } from './json-parser.ts';

/** The API server's own limit of a request body, in bytes. */
export const MAX_BODY_BYTES = 3 * 1024 * 1024;

/** Reads a body to its end; 413 when it is over the limit, and an error when the client goes away in the middle. */
export async function readBody(request: IncomingMessage, limit = MAX_BODY_BYTES): Promise<Buffer> {
  const declared = Number(request.headers['content-length'] ?? 0);
  if (declared > limit) throw bodyTooLarge(limit);
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > limit) throw bodyTooLarge(limit);
    chunks.push(chunk);
  }
  return chunks.length === 1 && chunks[0] !== undefined ? chunks[0] : Buffer.concat(chunks);
}

const bodyTooLarge = (limit: number): ApiStatusError => tooLarge(`Request entity too large: limit is ${limit}`);

/** A body that is no JSON or YAML, in the words of Go's decoders. */
export class BodySyntaxError extends Error {
  override readonly name = 'BodySyntaxError';
}

export interface Parsed {
  value: Json;
  /** Paths of members given twice. */
  duplicates: string[];
}

export function parseJsonBody(body: Buffer): Parsed {
  try {
    return parseJson(body.toString('utf8'));
  } catch (error) {
    if (error instanceof JsonSyntaxError) throw new BodySyntaxError(error.message);
    throw error;
  }
}

/**
 * YAML 1.1, as the API server's library reads it (`y` is a boolean there). JSON is taken as JSON first, because it is
 * what clients send as `application/apply-patch+yaml`.
 */
export function parseYamlBody(body: Buffer): Parsed {
  const text = body.toString('utf8');
  if (/^\s*[[{]/.test(text)) {
    try {
      return parseJson(text);
    } catch {
      // A flow mapping in YAML: read it as that.
    }
  }
  const document = parseDocument(text, { version: '1.1', schema: 'yaml-1.1', uniqueKeys: false, merge: true } as const);
  const [error] = document.errors;
  if (error !== undefined) throw new BodySyntaxError(`error converting YAML to JSON: yaml: ${error.message.split('\n')[0]}`);
  try {
    // Through JSON: timestamps, binaries and sets become what a JSON client could have sent.
    const value = JSON.parse(JSON.stringify(document.toJS({ maxAliasCount: 100 }) ?? null)) as Json;
    return { value, duplicates: [] };
  } catch (failure) {
    throw new BodySyntaxError(`error converting YAML to JSON: yaml: ${failure instanceof Error ? failure.message : String(failure)}`);
  }
}

/** The JSON object of a small options body (DeleteOptions); an empty body is an empty object. */
export function parseOptions(body: Buffer): Record<string, Json | undefined> {
  if (body.length === 0) return {};
  let value: Json;
  try {
    value = parseJsonBody(body).value;
  } catch (error) {
    throw badRequest(`couldn't get version/kind; json parse error: ${error instanceof Error ? error.message : String(error)}`);
  }
  if (value === null || typeof value !== 'object' || Array.isArray(value)) throw badRequest('the body of the request is not an object');
  return value;
}
