import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { parseIp } from '../inet.ts';
import { createLan, type Lan } from '../testing/lan.ts';
import { missing } from '../testing/requirements.ts';
import * as nft from './expressions.ts';
import { checkNftables, deleteNftTable, type NftTable, replaceNftTable } from './table.ts';

const skip = missing({ capabilities: ['CAP_NET_ADMIN', 'CAP_SYS_ADMIN'], programs: ['ip', 'nft'] });

const four = parseIp('192.0.2.1');
const six = parseIp('2001:db8::1');

const table: NftTable = {
  name: 'herald',
  chains: [
    {
      name: 'web',
      rules: [
        { expressions: [...nft.sourceWithin(parseIp('10.1.2.3'), 9), ...nft.goto('spread')] },
        { expressions: [...nft.sourceWithin(parseIp('2001:db8:ffff::'), 33), ...nft.goto('spread')] },
        { expressions: nft.drop() },
      ],
    },
    {
      name: 'spread',
      rules: [
        { expressions: [...nft.sameFamily(four), ...nft.oneIn(2), ...nft.protocol(6), ...nft.translateTo(parseIp('10.42.0.2'), 8080)] },
        {
          expressions: [...nft.sameFamily(six), ...nft.clientsOf(6, 1, 3), ...nft.protocol(17), ...nft.translateTo(parseIp('fd00::2'), 53)],
        },
      ],
    },
    {
      name: 'prerouting',
      hook: { at: 'prerouting', priority: -110 },
      rules: [
        {
          expressions: [...nft.destination(four), ...nft.protocol(6), ...nft.destinationPort(80), ...nft.jump('web')],
          comment: 'default/web',
        },
        { expressions: [...nft.destination(six), ...nft.protocol(132), ...nft.destinationPort(80), ...nft.jump('web')] },
      ],
    },
    {
      name: 'postrouting',
      hook: { at: 'postrouting', priority: 90 },
      rules: [{ expressions: [...nft.protocol(6), ...nft.translatedFrom(four, 80), ...nft.masquerade()] }],
    },
  ],
};

/** What nft(8), which shares nothing with us, reads. */
const read = `table inet herald {
	chain web {
		ip saddr 10.0.0.0/9 goto spread
		ip6 saddr 2001:db8:8000::/33 goto spread
		drop
	}
	chain spread {
		meta nfproto 2 numgen random mod 2 0 meta l4proto 6 dnat ip to 10.42.0.2:8080
		jhash ip6 saddr mod 3 seed 0x68657261 1 meta l4proto 17 dnat ip6 to [fd00::2]:53
	}
	chain prerouting {
		type nat hook prerouting priority -110; policy accept;
		ip daddr 192.0.2.1 tcp dport 80 jump web comment "default/web"
		ip6 daddr 2001:db8::1 sctp dport 80 jump web
	}
	chain postrouting {
		type nat hook postrouting priority 90; policy accept;
		meta l4proto 6 ct status & 0x20 == 0x20 meta nfproto 2 ct original ip daddr 192.0.2.1 ct original proto-dst 80 masquerade
	}
}`;

/** Line by line, without what differs between releases of nft. */
const lines = (text: string): string[] => text.split('\n').flatMap(line => (line.trim() === '' ? [] : [line.trim().replace(/\s+/g, ' ')]));

describe.skipIf(skip)(`nftables${skip ? ` (${skip})` : ''}`, () => {
  let lan: Lan;
  beforeAll(() => {
    lan = createLan();
  });
  afterAll(() => lan?.close());
  const ruleset = () => lines(lan.host.run('nft', '-n', 'list', 'ruleset'));

  test('a table is read by nft as it was meant', () => {
    lan.host.enter(() => replaceNftTable(table));
    const seen = ruleset();
    for (const line of lines(read)) expect(seen).toContain(line);
  });

  test('it is replaced as a whole, and others are left alone', () => {
    lan.host.run('nft', 'add', 'table', 'inet', 'other');
    lan.host.enter(() => replaceNftTable({ name: 'herald', chains: [{ name: 'empty', rules: [] }] }));
    expect(ruleset()).toEqual(['table inet other {', '}', 'table inet herald {', 'chain empty {', '}', '}']);
  });

  test('what the kernel refuses changes nothing', () => {
    const before = ruleset();
    const broken = { name: 'herald', chains: [{ name: 'a', rules: [{ expressions: nft.jump('nowhere') }] }] };
    expect(() => lan.host.enter(() => replaceNftTable(broken))).toThrow(/replace the nftables table herald/);
    expect(ruleset()).toEqual(before);
  });

  test('thousands of rules go in one transaction', () => {
    const rules = Array.from({ length: 5000 }, (_, index) => ({
      expressions: [...nft.destination(six), ...nft.protocol(6), ...nft.destinationPort(index + 1), ...nft.translateTo(six, 1)],
    }));
    lan.host.enter(() => replaceNftTable({ name: 'herald', chains: [{ name: 'many', rules }] }));
    expect(ruleset().filter(line => line.includes('dport'))).toHaveLength(5000);
  });

  test('is deleted once', () => {
    expect(lan.host.enter(() => deleteNftTable('herald'))).toBe(true);
    expect(lan.host.enter(() => deleteNftTable('herald'))).toBe(false);
    expect(ruleset()).toEqual(['table inet other {', '}']);
  });

  test('the check leaves nothing behind', () => {
    const before = ruleset();
    lan.host.enter(() => checkNftables());
    expect(ruleset()).toEqual(before);
  });

  test.each(['', '1st', 'a b', 'a"b', 'x'.repeat(256)])('a table is not called %j', name => {
    expect(() => replaceNftTable({ name, chains: [] })).toThrow(/not a name for nftables/);
  });
});
