import { parseArgs } from 'node:util';
import { soak } from './soak.ts';

const { values } = parseArgs({
  options: { minutes: { type: 'string', default: '30' }, loss: { type: 'string', default: '2' } },
});
const minutes = Number(values.minutes);
const loss = Number(values.loss);
if (!(minutes > 0) || !(loss >= 0 && loss < 100)) throw new RangeError('--minutes takes a number above 0, --loss one from 0 to below 100');

console.log(`${minutes} minutes of ${loss} % loss and random stalls of 60 ms, real processes: nobody may take anything over`);
const report = await soak({
  name: `soak-${process.pid}`,
  duration: minutes * 60_000,
  nodes: 4,
  addresses: 10,
  loss,
  stallEvery: 5_000,
  stallFor: 60,
  random: Math.random,
  log: line => console.log(`- ${line}`),
});
console.log(JSON.stringify(report));
process.exitCode = report.takeovers.length + report.unsettled.length > 0 ? 1 : 0;
