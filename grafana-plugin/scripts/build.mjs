// Builds the console into internal/console/dist, or the Grafana app into dist.
import { cp, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const home = join(dirname(fileURLToPath(import.meta.url)), '..');
const common = { bundle: true, minify: true, jsx: 'automatic', target: 'es2022', logLevel: 'warning', legalComments: 'none', define: { 'process.env.NODE_ENV': '"production"' } };

async function console_() {
  const out = join(home, '../internal/console/dist');
  for (const old of await readdir(out)) {
    if (old !== 'placeholder.html') {
      await rm(join(out, old), { recursive: true });
    }
  }
  const { metafile } = await build({ ...common, entryPoints: [join(home, 'src/console/main.tsx')], outdir: join(out, 'assets'), entryNames: 'console-[hash]', format: 'esm', metafile: true });
  const made = Object.keys(metafile.outputs).map((f) => `assets/${basename(f)}`);
  const page = await readFile(join(home, 'src/console/index.html'), 'utf8');
  await writeFile(join(out, 'index.html'), page.replace('{css}', made.find((f) => f.endsWith('.css'))).replace('{js}', made.find((f) => f.endsWith('.js'))));
  await cp(join(home, 'src/logo.svg'), join(out, 'logo.svg'));
}

const what = process.argv[2];
if (what === 'console') {
  await console_();
} else {
  process.stderr.write('build.mjs: say what to build: console or plugin\n');
  process.exit(2);
}
