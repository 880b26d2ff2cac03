import { describe, expect, it } from 'vitest';
import { matchesLine, mismatch, parseGuide } from '../e2e/guide.ts';

describe('a guide is read as a script', () => {
  it('takes files, commands, their outputs and what the comments say', () => {
    const guide = parseGuide(`# A guide
<!-- playground: nodes=2 router pods -->
\`\`\`yaml title=pool.yaml
kind: IPAddressPool
\`\`\`
- in a list:
  \`\`\`console
  $ kubectl apply -f pool.yaml
  created
  $ kubectl get svc \\
    --no-headers
  \`\`\`
<!-- run: herald playground fail dn1 -->
<!-- wait: 7 -->
<!-- exit: 3 -->
\`\`\`console
$ cat <<EOF
$ not a command
EOF
$ another one
\`\`\`
\`\`\`sh
$ ignored
\`\`\`
`);
    expect(guide.needs).toEqual({ nodes: 2, router: true, pods: true, metallb: false, bare: false });
    expect(guide.steps).toEqual([
      { kind: 'file', line: 3, name: 'pool.yaml', text: 'kind: IPAddressPool\n' },
      { kind: 'command', line: 8, command: 'kubectl apply -f pool.yaml', output: ['created'], wait: 0, exit: 0 },
      { kind: 'command', line: 10, command: 'kubectl get svc \\\n  --no-headers', output: undefined, wait: 20, exit: 0 },
      { kind: 'command', line: 13, command: 'herald playground fail dn1', output: undefined, wait: 0, exit: 0 },
      { kind: 'command', line: 17, command: 'cat <<EOF\n$ not a command\nEOF', output: undefined, wait: 7, exit: 0 },
      { kind: 'command', line: 20, command: 'another one', output: undefined, wait: 7, exit: 3 },
    ]);
  });

  it.each([
    ['a word that no playground knows', '<!-- playground: routers -->', /line 1: .*routers/],
    ['a block without an end', '```console\n$ true', /line 1: .*not closed/],
    ['output before any command', '```console\nhello\n```', /line 2: .*without a command/],
    ['a file outside of its folder', '```yaml title=../x.yaml\n```', /line 1: title=/],
    ['a text without an end', '```console\n$ cat <<EOF\nx\n```', /line 2: .*EOF/],
    ['a time that is none', '<!-- wait: soon -->', /line 1: "soon"/],
  ])('refuses %s', (_, text, message) => {
    expect(() => parseGuide(text)).toThrow(message);
  });

  it('needs no playground where it says so', () => {
    expect(parseGuide('<!-- playground: none -->').needs.nodes).toBe(0);
  });
});

describe('output is compared as a reader would', () => {
  it.each([
    ['blanks and ages are of no account', 'web   LoadBalancer  12s', 'web LoadBalancer 3m4s', true],
    ['anything for an ellipsis', 'web … 192.168.150.240 …', 'web LoadBalancer 10.43.0.1 192.168.150.240 80:31000/TCP 3s', true],
    ['also for nothing at the end', 'web 1 …', 'web 1', true],
    ['within a word', '80:…/TCP', '80:31234/TCP', true],
    ['but not another word', 'web … 192.168.150.241 …', 'web x 192.168.150.240 y', false],
    ['no regular expressions', 'a.c', 'abc', false],
    ['nor more than is shown', 'web', 'web LoadBalancer', false],
  ])('%s', (_, expected, actual, matches) => {
    expect(matchesLine(expected, actual)).toBe(matches);
  });

  it.each([
    ['all lines', ['a', 'b'], 'a\n\nb\n', undefined],
    ['a missing line is named', ['a', 'b'], 'a\n', 'b'],
    ['any lines in between', ['a', '…', 'd'], 'a\nb\nc\nd\n', undefined],
    ['any lines behind', ['a', '…'], 'a\nb\nc\n', undefined],
    ['none in between', ['a', '…', 'b'], 'a\nb\n', undefined],
    ['one line too many', ['a'], 'a\nb\n', 'no more lines than the guide shows'],
    ['another order', ['b', 'a'], 'a\nb\n', 'the same lines in the same order'],
  ])('%s', (_, expected, actual, miss) => {
    expect(mismatch(expected, actual)).toBe(miss);
  });
});
