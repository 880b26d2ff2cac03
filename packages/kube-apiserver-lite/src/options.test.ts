import { describe, expect, it } from 'vitest';
import { helpText, parseCommand, UsageError } from './options.ts';

describe('the command line', () => {
  it('takes every flag that its help names', () => {
    const { options, kubeconfig } = parseCommand(
      '--port 0 --host ::1 --tls --kubeconfig k --data d --service-cidr 10.0.0.0/16,fd00::/112 --node-port-range 31000-31010 --authorization always-allow --watch-history 5 --no-controllers'.split(
        ' ',
      ),
    );
    expect(kubeconfig).toBe('k');
    expect(options).toEqual({
      port: 0,
      host: '::1',
      tls: {},
      data: 'd',
      historySize: 5,
      authorization: 'always-allow',
      network: { serviceCidrs: ['10.0.0.0/16', 'fd00::/112'], nodePorts: [31000, 31010] },
      controllers: { all: false },
    });
    for (const flag of ['--port', '--tls', '--data', '--no-controllers', '--help']) expect(helpText()).toContain(flag);
  });

  it.each([
    [['--nothing'], /nothing/],
    [['--port', '70000'], /--port takes a number from 0 to 65535/],
    [['--node-port-range', '80'], /--node-port-range takes FIRST-LAST/],
    [['--authorization', 'maybe'], /--authorization takes rbac or always-allow/],
    [['--tls', '--insecure'], /exclude each other/],
  ])('refuses %s', (args, message) => {
    expect(() => parseCommand(args)).toThrow(UsageError);
    expect(() => parseCommand(args)).toThrow(message);
  });
});
