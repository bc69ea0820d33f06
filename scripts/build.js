// Compiles src to dist and bundles the workflows, unless dist is newer than everything it is made from.
// Also `prepare`: an install without devDependencies has no compiler, and must not fail for that.
import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

process.chdir(join(dirname(fileURLToPath(import.meta.url)), '..'));

const BUNDLE = 'dist/workflow-bundle.js';
/** Built here and then moved, so that what runs from dist never sees half of it. */
const NEW = 'dist.new';
const INPUTS = ['src', 'tsconfig.json', 'tsconfig.build.json', 'package.json', 'package-lock.json', 'scripts/build.js'];

/** Time of the newest change below `path`; a removed file shows in its directory's time. */
function newest(path) {
  if (!existsSync(path)) return 0;
  const { mtimeMs } = statSync(path);
  if (!statSync(path).isDirectory()) return mtimeMs;
  return Math.max(mtimeMs, ...readdirSync(path).map((name) => newest(join(path, name))));
}

function compiler() {
  try {
    return join(dirname(createRequire(import.meta.url).resolve('typescript/package.json')), 'bin/tsc');
  } catch {
    return undefined;
  }
}

async function bundleWorkflows() {
  const { bundleWorkflowCode, DefaultLogger } = await import('@temporalio/worker');
  const workflowsPath = join(process.cwd(), NEW, 'workflows/index.js');
  const { code } = await bundleWorkflowCode({ workflowsPath, logger: new DefaultLogger('ERROR') });
  writeFileSync(join(NEW, 'workflow-bundle.js'), code);
}

// The bundle is written last, so it tells whether a build was finished, and when.
if (existsSync(BUNDLE) && Math.max(...INPUTS.map(newest)) < statSync(BUNDLE).mtimeMs) process.exit(0);
const tsc = compiler();
if (tsc === undefined) {
  if (!existsSync(BUNDLE)) {
    console.log(
      'not built: the compiler is a devDependency; run `npm install --include=dev && npm run build`, or use a package that was built before',
    );
  }
  process.exit(0);
}
rmSync(NEW, { recursive: true, force: true });
try {
  execFileSync(process.execPath, [tsc, '-p', 'tsconfig.build.json', '--outDir', NEW], { stdio: 'inherit' });
} catch {
  console.error('not built: the compiler found the errors above');
  process.exit(1);
}
await bundleWorkflows();
rmSync('dist', { recursive: true, force: true });
renameSync(NEW, 'dist');
