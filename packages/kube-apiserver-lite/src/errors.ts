/** Every error answer comes from here: {@link ApiStatusError}, its constructors, and field causes. */
export * from './errors/constructors.ts';
export * from './errors/field.ts';
export * from './errors/status.ts';
