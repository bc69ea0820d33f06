import { benchCore } from './core.js';
import { benchGate } from './gate.js';
import { benchHolds } from './holds.js';
import { benchPlan } from './plan.js';
import { benchRemediation } from './remediation.js';
import { benchScan } from './scan.js';

const BENCHES: Readonly<Record<string, () => Promise<void>>> = {
  core: benchCore,
  gate: benchGate,
  holds: benchHolds,
  plan: benchPlan,
  scan: benchScan,
  remediation: benchRemediation,
};

const wanted = process.argv.slice(2);
const unknown = wanted.filter((name) => !(name in BENCHES));
if (unknown.length > 0) {
  process.stderr.write(`no benchmark is called ${unknown.join(', ')}; there are ${Object.keys(BENCHES).join(', ')}\n`);
  process.exit(1);
}
for (const [name, bench] of Object.entries(BENCHES)) if (wanted.length === 0 || wanted.includes(name)) await bench();
process.exit(0);
