// Builds the console into internal/console/dist, or the Grafana app into dist.
import { cp, mkdir, readFile, readdir, rm, writeFile } from 'node:fs/promises';
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

// What Grafana brings along; everything else is bundled.
const external = ['react', 'react-dom', 'react/jsx-runtime', 'react-router-dom', 'rxjs', 'i18next', '@grafana/data', '@grafana/runtime', '@grafana/ui', '@emotion/css'];

async function plugin() {
  const out = join(home, 'dist');
  await rm(out, { recursive: true, force: true });
  const { version } = JSON.parse(await readFile(join(home, 'package.json'), 'utf8'));
  const today = new Date().toISOString().slice(0, 10);
  const panels = (await readdir(join(home, 'src/panels'))).map((p) => `panels/${p}`);
  for (const part of ['', 'datasource', ...panels]) {
    const from = join(home, 'src', part);
    const entry = (await readdir(from)).find((f) => /^module\.tsx?$/.test(f));
    const made = await build({ ...common, entryPoints: [join(from, entry)], outfile: join(out, part, 'module.js'), format: 'cjs', external, write: false, metafile: true, sourcemap: 'external', loader: { '.css': 'text' } });
    // SystemJS takes AMD: what is imported comes as arguments.
    const needed = [...new Set(Object.values(made.metafile.outputs).flatMap((o) => o.imports.filter((i) => i.external).map((i) => i.path)))].sort();
    const [map, code] = made.outputFiles;
    const open = `define(${JSON.stringify(needed)},function(){var m={};[].slice.call(arguments).forEach(function(v,i){m[${JSON.stringify(needed)}[i]]=v});var require=function(n){return m[n]},module={exports:{}},exports=module.exports;\n`;
    const shifted = JSON.parse(map.text);
    shifted.mappings = `;${shifted.mappings}`;
    await mkdir(join(out, part, 'img'), { recursive: true });
    await writeFile(join(out, part, 'module.js'), `${open}${code.text}\nreturn module.exports});\n//# sourceMappingURL=module.js.map\n`);
    await writeFile(join(out, part, 'module.js.map'), JSON.stringify(shifted));
    const about = (await readFile(join(from, 'plugin.json'), 'utf8')).replaceAll('%VERSION%', version).replaceAll('%TODAY%', today);
    await writeFile(join(out, part, 'plugin.json'), about);
    await cp(join(home, 'src/logo.svg'), join(out, part, 'img/logo.svg'));
  }
  await cp(join(home, 'src/datasource/locales'), join(out, 'datasource/locales'), { recursive: true });
  for (const page of ['README.md', 'CHANGELOG.md']) {
    await cp(join(home, page), join(out, page));
  }
  await cp(join(home, '../LICENSE'), join(out, 'LICENSE'));
}

const what = process.argv[2];
if (what === 'console') {
  await console_();
} else if (what === 'plugin') {
  await plugin();
} else {
  process.stderr.write('build.mjs: say what to build: console or plugin\n');
  process.exit(2);
}
