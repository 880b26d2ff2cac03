import { describe, expect, it } from 'vitest';
import { type ConditionText, type DesiredStatus, ingressAddresses, releasePatch, type Service, statusPatch } from './service-status.ts';

const allocated = { status: 'True', reason: 'AddressAssigned', message: '10.0.0.1 from IPAddressPool lan' } as const;
const announced = { status: 'Unknown', reason: 'WaitingForSpeakers', message: 'waiting' } as const;
const desired: DesiredStatus = { addresses: ['10.0.0.1'], allocated, announced };
const written = (text: ConditionText, type: string, lastTransitionTime = 'then') => ({
  type: `heraldlb.io/${type}`,
  ...text,
  lastTransitionTime,
});

function service(status: Service['status'] = { loadBalancer: {} }, spec: Service['spec'] = { type: 'LoadBalancer' }): Service {
  return { metadata: { namespace: 'shop', name: 'web', uid: 'u', resourceVersion: '7' }, spec, status };
}

describe('statusPatch', () => {
  it('writes addresses and both conditions of a new Service, on the version it was made from', () => {
    expect(statusPatch(service(), desired, 'now')).toEqual({
      metadata: { uid: 'u', resourceVersion: '7' },
      status: {
        loadBalancer: { ingress: [{ ip: '10.0.0.1' }] },
        conditions: [written(allocated, 'Allocated', 'now'), written(announced, 'Announced', 'now')],
      },
    });
  });

  it('is null when everything is there, whatever others wrote beside it', () => {
    const settled = service({
      loadBalancer: { ingress: [{ ip: '10.0.0.1', ipMode: 'VIP', ports: [{ port: 80, protocol: 'TCP' }] }] },
      conditions: [
        { type: 'Other', status: 'True', reason: 'X', message: '', lastTransitionTime: 't' },
        written(allocated, 'Allocated'),
        written(announced, 'Announced'),
      ],
    });
    expect(statusPatch(settled, desired, 'now')).toBeNull();
  });

  it('sends only the condition that differs, and keeps the transition time while the status stays', () => {
    const before = service({
      loadBalancer: { ingress: [{ ip: '10.0.0.1' }] },
      conditions: [written(allocated, 'Allocated'), written(announced, 'Announced')],
    });
    const moved = { status: 'Unknown', reason: 'WaitingForSpeakers', message: 'other' } as const;
    expect(statusPatch(before, { ...desired, announced: moved }, 'now')?.status).toEqual({
      conditions: [written(moved, 'Announced', 'then')],
    });
  });

  it.each([
    [
      'keeps what others wrote to an address that stays',
      [{ ip: '10.0.0.1', ipMode: 'Proxy' }, { ip: '10.0.0.9' }],
      ['10.0.0.1'],
      [{ ip: '10.0.0.1', ipMode: 'Proxy' }],
    ],
    ['replaces a host name', [{ hostname: 'x' }], ['10.0.0.1'], [{ ip: '10.0.0.1' }]],
    ['puts the order right', [{ ip: 'fd00::1' }, { ip: '10.0.0.1' }], ['10.0.0.1', 'fd00::1'], [{ ip: '10.0.0.1' }, { ip: 'fd00::1' }]],
    ['takes the last address away', [{ ip: '10.0.0.1' }], [], null],
  ])('%s', (_, ingress, addresses, expected) => {
    const patch = statusPatch(service({ loadBalancer: { ingress } }), { ...desired, addresses }, 'now');
    expect(patch?.status.loadBalancer).toEqual({ ingress: expected });
  });
});

describe('releasePatch', () => {
  it('takes back our conditions and nothing else', () => {
    const conditions = [written(allocated, 'Allocated'), { ...written(announced, 'Announced'), type: 'Other' }];
    expect(releasePatch(service({ conditions }, { type: 'ClusterIP' }))?.status).toEqual({
      conditions: [{ $patch: 'delete', type: 'heraldlb.io/Allocated' }],
    });
    expect(releasePatch(service({ conditions: [] }, { type: 'ClusterIP' }))).toBeNull();
  });
});

it('ingressAddresses skips host names', () => {
  expect(ingressAddresses(service({ loadBalancer: { ingress: [{ hostname: 'x' }, { ip: '10.0.0.1' }, { ip: '' }] } }))).toEqual([
    '10.0.0.1',
  ]);
});
