export * from './announcement.ts';
export * from './config.ts';
export * from './object.ts';
export * from './selector.ts';
export * from './speaker.ts';
