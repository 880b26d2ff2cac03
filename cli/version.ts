import manifest from './package.json' with { type: 'json' };

/** Herald's version. */
export const { version } = manifest;
