// Opens every page of the console of a running Driftline in a real browser, dark
// and light: no error in the console of the browser, nothing that axe finds wrong,
// no request that leaves the address, and the pages say what they are about.
// Pictures go to screenshots/. Usage: node run.mjs http://127.0.0.1:9470/ [incident id]
import { createRequire } from 'node:module';
import { mkdir, readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { chromium } from 'playwright-core';

const base = (process.argv[2] ?? '').replace(/\/$/, '');
if (!base) {
  process.stderr.write('run.mjs: give the address of a console, such as http://127.0.0.1:9470/\n');
  process.exit(2);
}
const folder = join(dirname(fileURLToPath(import.meta.url)), '../../screenshots');
await mkdir(folder, { recursive: true });
const axe = await readFile(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const json = async (path) => (await fetch(`${base}/api/v1${path}`)).json();
const incidents = (await json('/incidents?limit=5')).items;
const models = (await json('/models')).items;
const incident = process.argv[3] ?? incidents.find((i) => i.diagnosis)?.id ?? incidents[0]?.id;
const model = incidents[0]?.model ?? models[0]?.model;

const pages = [['fleet', '#/', 'Models'], ['pipeline', '#/pipeline', 'Events']];
if (model) {
  pages.push(['model', `#/models/${encodeURIComponent(model)}`, model]);
}
if (incident) {
  pages.push(['incident', `#/incidents/${encodeURIComponent(incident)}`, incidents.find((i) => i.id === incident)?.model ?? incident]);
}

const browser = await chromium.launch({ executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium', args: ['--no-sandbox'] });
let wrong = 0;
const fault = (where, what) => {
  wrong++;
  process.stdout.write(`FAIL ${where}: ${what}\n`);
};
for (const look of ['dark', 'light']) {
  // The test's own script must get past the page's policy; the policy itself is tested in Go.
  const context = await browser.newContext({ colorScheme: look, viewport: { width: 1440, height: 1000 }, bypassCSP: true });
  const page = await context.newPage();
  let where = look;
  page.on('console', (m) => ['error', 'warning'].includes(m.type()) && fault(where, m.text()));
  page.on('pageerror', (e) => fault(where, e.message));
  page.on('request', (r) => !r.url().startsWith(base) && !r.url().startsWith('data:') && fault(where, `asks ${r.url()}`));
  for (const [name, hash, says] of pages) {
    where = `${name}, ${look}`;
    await page.goto(`${base}/${hash}`);
    try {
      await page.getByText(says, { exact: false }).first().waitFor({ timeout: 15_000 });
      await page.waitForFunction(() => !document.body.innerText.includes('Loading'), undefined, { timeout: 15_000 });
    } catch (e) {
      fault(where, `does not say ${says}: ${e.message.split('\n')[0]}`);
    }
    await page.screenshot({ path: join(folder, `console-${name}-${look}.png`), fullPage: true });
    await page.evaluate(axe);
    const found = await page.evaluate(() => globalThis.axe.run(document, { resultTypes: ['violations'] }));
    for (const v of found.violations) {
      fault(where, `axe ${v.id}: ${v.help} (${v.nodes.length}), first ${v.nodes[0].html.slice(0, 160)}`);
    }
    process.stdout.write(`${where}: ${found.violations.length} violations\n`);
  }
  await context.close();
}
await browser.close();
process.stdout.write(wrong ? `${wrong} faults\n` : `${2 * pages.length} pages are well\n`);
process.exitCode = wrong ? 1 : 0;
