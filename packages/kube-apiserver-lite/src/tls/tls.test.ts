import { X509Certificate } from 'node:crypto';
import https from 'node:https';
import { describe, expect, it } from 'vitest';
import { startApiServer } from '../index.ts';
import { CertificateAuthority } from './certificate.ts';

const NOW = new Date('2026-01-02T03:04:05Z');

describe('CertificateAuthority', () => {
  it('signs certificates that hold for the hosts asked for', () => {
    const authority = new CertificateAuthority('test-ca', NOW);
    const root = new X509Certificate(authority.cert);
    const leaf = new X509Certificate(authority.server(['127.0.0.1', '::1', 'localhost']).cert);
    expect(root.ca).toBe(true);
    expect(leaf.ca).toBe(false);
    expect(leaf.verify(root.publicKey)).toBe(true);
    expect(leaf.checkIssued(root)).toBe(true);
    expect([leaf.checkIP('127.0.0.1'), leaf.checkIP('::1'), leaf.checkHost('localhost')]).toEqual(['127.0.0.1', '::1', 'localhost']);
    expect(leaf.checkHost('example.com')).toBeUndefined();
    expect(new Date(leaf.validFrom) < NOW && NOW < new Date(leaf.validTo)).toBe(true);
  });
});

describe('HTTPS', () => {
  it('is trusted with the authority in the kubeconfig, and asks for a token', async () => {
    const server = await startApiServer({ tls: {} });
    try {
      const kubeconfig = server.kubeconfig();
      const token = /token: (\S+)/.exec(kubeconfig)?.[1] ?? '';
      const ca = Buffer.from(/certificate-authority-data: (\S+)/.exec(kubeconfig)?.[1] ?? '', 'base64');
      const ask = (headers: Record<string, string>): Promise<number | undefined> =>
        new Promise((resolve, reject) => {
          https
            .get(`${server.url}/api/v1/nodes`, { ca, headers, agent: false }, response => resolve(response.resume().statusCode))
            .on('error', reject);
        });
      expect(await ask({ authorization: `Bearer ${token}` })).toBe(200);
      expect(await ask({})).toBe(403);
    } finally {
      await server.close();
    }
  });
});
