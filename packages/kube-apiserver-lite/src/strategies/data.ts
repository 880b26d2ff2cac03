import { isObject } from '../schema/json.ts';
import type { Strategy } from './strategy.ts';

/** `stringData` is a way to write `data`; it is never stored. */
export const secretStrategy: Partial<Strategy> = {
  defaults(secret) {
    const { stringData } = secret;
    delete secret['stringData'];
    if (!isObject(stringData)) return;
    const data = isObject(secret['data']) ? { ...secret['data'] } : {};
    for (const [key, value] of Object.entries(stringData))
      data[key] = Buffer.from(typeof value === 'string' ? value : '').toString('base64');
    secret['data'] = data;
  },
};
