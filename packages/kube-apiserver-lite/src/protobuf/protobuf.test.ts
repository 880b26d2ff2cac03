import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeProtobuf } from './index.ts';

const varint = (value: bigint): number[] => {
  const bytes: number[] = [];
  let rest = BigInt.asUintN(64, value);
  while (rest >= 0x80n) {
    bytes.push(Number(rest & 0x7fn) | 0x80);
    rest >>= 7n;
  }
  return [...bytes, Number(rest)];
};
const number = (field: number, value: number | bigint): number[] => [...varint(BigInt(field << 3)), ...varint(BigInt(value))];
const bytes = (field: number, value: readonly number[]): number[] => [
  ...varint(BigInt((field << 3) | 2)),
  ...varint(BigInt(value.length)),
  ...value,
];
const text = (field: number, value: string): number[] => bytes(field, [...Buffer.from(value)]);
const unknown = (apiVersion: string, kind: string, raw: readonly number[]): Uint8Array =>
  Uint8Array.from([
    0x6b,
    0x38,
    0x73,
    0,
    ...bytes(1, [...text(1, apiVersion), ...text(2, kind)]),
    ...bytes(2, raw),
    ...text(3, ''),
    ...text(4, ''),
  ]);
const decoded = (body: Uint8Array) => {
  const result = decodeProtobuf(body);
  return result.ok ? result.object : [result.code, result.message];
};

describe('decodeProtobuf', () => {
  it('reads maps, bytes and times that are not set', () => {
    const meta = [...text(1, 'c'), ...text(3, 'n'), ...bytes(8, []), ...bytes(11, [...text(1, 'app'), ...text(2, 'x')])];
    expect(
      decoded(unknown('v1', 'Secret', [...bytes(1, meta), ...bytes(2, [...text(1, 'k'), ...bytes(2, [1, 2, 255])]), ...text(3, 'Opaque')])),
    ).toEqual({
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: { name: 'c', namespace: 'n', creationTimestamp: null, labels: { app: 'x' } },
      data: { k: 'AQL/' },
      type: 'Opaque',
    });
  });

  it('reads lists of messages, int-or-string, negative numbers', () => {
    const port = (target: number[]) => bytes(1, [...text(1, 'p'), ...text(2, 'TCP'), ...number(3, 80), ...bytes(4, target)]);
    const spec = [...port([...number(1, 0), ...number(2, 8080)]), ...port([...number(1, 1), ...text(3, 'http')]), ...number(12, -1n)];
    expect(decoded(unknown('v1', 'Service', [...bytes(1, text(1, 's')), ...bytes(2, spec), ...bytes(3, bytes(1, []))]))).toMatchObject({
      spec: { ports: [{ port: 80, targetPort: 8080 }, { targetPort: 'http' }], healthCheckNodePort: -1 },
      status: {},
    });
  });

  it('writes members of inlined messages where JSON has them', () => {
    const rule = [...text(1, 'a.example.com'), ...bytes(2, bytes(1, bytes(1, [...text(1, '/'), ...text(3, 'Prefix')])))];
    expect(decoded(unknown('networking.k8s.io/v1', 'Ingress', bytes(2, bytes(3, rule))))).toMatchObject({
      spec: { rules: [{ host: 'a.example.com', http: { paths: [{ path: '/', pathType: 'Prefix' }] } }] },
    });
  });

  it('refuses what it has no table for, and names it', () => {
    expect(decoded(unknown('apps/v1', 'StatefulSet', []))).toEqual([
      415,
      'the body of the request was in an unknown format - this server does not read StatefulSet in version "apps/v1" as protobuf, send application/json',
    ]);
    expect(decoded(unknown('v1', 'ConfigMap', text(9, 'x')))).toEqual([
      415,
      'the body of the request was in an unknown format - this server does not read field 9 of v1/ConfigMap as protobuf, send application/json',
    ]);
  });

  it('refuses what is no such body', () => {
    expect(decoded(Uint8Array.from(Buffer.from('{}')))).toEqual([
      400,
      'provided data does not appear to be a protobuf message, expected prefix [107 56 115 0]',
    ]);
  });

  it('survives any bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 60 }), fc.constantFrom('Service', 'Deployment', 'ConfigMap'), (raw, kind) => {
        const result = decodeProtobuf(unknown(kind === 'Deployment' ? 'apps/v1' : 'v1', kind, [...raw]));
        expect(result.ok || result.code === 400 || result.code === 415).toBe(true);
        expect(() => decodeProtobuf(Uint8Array.from([0x6b, 0x38, 0x73, 0, ...raw]))).not.toThrow();
      }),
    );
  });
});
