import { expect, it } from 'vitest';
import { fuzz } from './fuzz.ts';

it('20,000 mutated frames and datagrams: none throws, none is answered wrongly, some get through', () => {
  const { read, answered } = fuzz(20_000, 1);
  expect(read).toBeGreaterThan(2_000);
  expect(answered).toBeGreaterThan(500);
});
