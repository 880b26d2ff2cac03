import { describe, expect, test } from 'vitest';
import { errnoName } from './errno.ts';
import { systemError } from './error.ts';

describe('systemError', () => {
  test.each([
    [1, 'NotPermitted', 'EPERM', 'CAP_NET_RAW', 'cannot open it: socket failed with EPERM (needs CAP_NET_RAW: grant it to the process)'],
    [13, 'NotPermitted', 'EACCES', 'CAP_NET_RAW', 'cannot open it: socket failed with EACCES (needs CAP_NET_RAW: grant it to the process)'],
    [
      19,
      'NoSuchDevice',
      'ENODEV',
      undefined,
      'cannot open it: socket failed with ENODEV (there is no such interface in this network namespace)',
    ],
    [
      98,
      'AddressInUse',
      'EADDRINUSE',
      undefined,
      'cannot open it: socket failed with EADDRINUSE (another socket holds this address and port)',
    ],
    [
      93,
      'NotSupported',
      'EPROTONOSUPPORT',
      undefined,
      'cannot open it: socket failed with EPROTONOSUPPORT (this kernel does not offer it)',
    ],
    [524, 'SystemCall', 'ENOTSUPP', undefined, 'cannot open it: socket failed with ENOTSUPP'],
    [4000, 'SystemCall', 'errno 4000', undefined, 'cannot open it: socket failed with errno 4000'],
  ])('errno %d is %s', (errno, code, name, needs, message) => {
    const error = systemError('socket', errno, 'open it', 'CAP_NET_RAW');
    expect({ code: error.code, errno: error.errno, needs: error.needs, message: error.message }).toEqual({
      code,
      errno: name,
      needs,
      message,
    });
  });

  test('names that share a number are the ones Linux uses', () => {
    expect([errnoName(11), errnoName(95)]).toEqual(['EAGAIN', 'EOPNOTSUPP']);
  });
});
