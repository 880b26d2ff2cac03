export * from './address.ts';
export * from './cidr.ts';
export { IpError, type IpErrorCode } from './error.ts';
export * from './range.ts';
export * from './range-set.ts';
