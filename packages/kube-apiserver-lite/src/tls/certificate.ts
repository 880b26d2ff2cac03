import { createHash, generateKeyPairSync, type KeyObject, randomBytes, sign } from 'node:crypto';
import { isIP } from 'node:net';
import { addressValue, familyOf } from '../services/ip.ts';
import { bits, boolean, element, explicit, implicit, octets, oid, sequence, set, unsigned, utcTime, utf8 } from './der.ts';

/** X.509 certificates (RFC 5280) for a server of one's own: an authority, and what it signs. */

const ECDSA_SHA256 = sequence(oid('1.2.840.10045.4.3.2'));
const COMMON_NAME = '2.5.4.3';
const ORGANISATION = '2.5.4.10';
const DAY_MS = 86_400_000;
const VALID_DAYS = 3650;

export interface Certificate {
  /** PEM. */
  cert: string;
  /** PEM, PKCS #8. */
  key: string;
}

interface Issuer {
  name: Buffer;
  key: KeyObject;
  keyId: Buffer;
}

/** Something that signs certificates. */
export class CertificateAuthority {
  /** Its own certificate, PEM. */
  readonly cert: string;
  readonly #issuer: Issuer;
  readonly #now: Date;

  constructor(commonName: string, now: Date) {
    const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    const name = distinguishedName(commonName);
    this.#now = now;
    this.#issuer = { name, key: privateKey, keyId: keyIdentifier(publicKey) };
    const usage = extension('2.5.29.15', bits(Buffer.from([0x06]), 1), true);
    const constraints = extension('2.5.29.19', sequence(boolean(true)), true);
    this.cert = certify(name, publicKey, this.#issuer, now, [constraints, usage]);
  }

  /** A server's certificate for names and addresses. */
  server(hosts: readonly string[]): Certificate {
    const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    const names = hosts.map(host => (isIP(host) === 0 ? implicit(2, Buffer.from(host)) : implicit(7, addressBytes(host))));
    const extensions = [
      extension('2.5.29.19', sequence(), true),
      extension('2.5.29.15', bits(Buffer.from([0x80]), 7), true),
      extension('2.5.29.37', sequence(oid('1.3.6.1.5.5.7.3.1'))),
      extension('2.5.29.17', sequence(...names)),
    ];
    const cert = certify(distinguishedName('kube-apiserver'), publicKey, this.#issuer, this.#now, extensions);
    return { cert, key: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString() };
  }
}

const distinguishedName = (commonName: string): Buffer =>
  sequence(set(sequence(oid(ORGANISATION), utf8('kube-apiserver-lite'))), set(sequence(oid(COMMON_NAME), utf8(commonName))));

const extension = (id: string, value: Buffer, critical = false): Buffer =>
  sequence(oid(id), ...(critical ? [boolean(true)] : []), octets(value));

const keyIdentifier = (key: KeyObject): Buffer =>
  createHash('sha1')
    .update(key.export({ type: 'spki', format: 'der' }))
    .digest();

function addressBytes(host: string): Buffer {
  const size = familyOf(host) === 'IPv4' ? 4 : 16;
  return Buffer.from(
    addressValue(host)
      .toString(16)
      .padStart(size * 2, '0'),
    'hex',
  );
}

function certify(subject: Buffer, key: KeyObject, issuer: Issuer, now: Date, extensions: readonly Buffer[]): string {
  const all = [
    ...extensions,
    extension('2.5.29.14', octets(keyIdentifier(key))),
    extension('2.5.29.35', sequence(implicit(0, issuer.keyId))),
  ];
  const from = new Date(now.getTime() - DAY_MS);
  const until = new Date(now.getTime() + VALID_DAYS * DAY_MS);
  const body = sequence(
    explicit(0, element(0x02, Buffer.from([2]))),
    unsigned(randomBytes(16)),
    ECDSA_SHA256,
    issuer.name,
    sequence(utcTime(from), utcTime(until)),
    subject,
    key.export({ type: 'spki', format: 'der' }),
    explicit(3, sequence(...all)),
  );
  const signature = sign('sha256', body, issuer.key);
  const der = sequence(body, ECDSA_SHA256, bits(signature));
  const lines = der.toString('base64').match(/.{1,64}/g) ?? [];
  return `-----BEGIN CERTIFICATE-----\n${lines.join('\n')}\n-----END CERTIFICATE-----\n`;
}
