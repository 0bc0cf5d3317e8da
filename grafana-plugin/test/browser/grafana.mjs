// Looks at the built plugin in Chromium over a running Driftline: DRIFTLINE_API=http://127.0.0.1:9470 npm run browser:grafana
// The plugin's data source asks through a stand-in for Grafana that hands its
// questions to the API, whose answers have the same form. Screenshots go to
// screenshots/.
import { existsSync } from 'node:fs';
import { mkdir, readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { createRequire } from 'node:module';
import { dirname, extname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { chromium } from 'playwright-core';

const here = dirname(fileURLToPath(import.meta.url));
const home = join(here, '../..');
const api = process.env.DRIFTLINE_API ?? 'http://127.0.0.1:9470';
const browserPath = process.env.CHROMIUM ?? '/usr/bin/chromium';
const require = createRequire(import.meta.url);
const types = { '.js': 'text/javascript', '.css': 'text/css', '.svg': 'image/svg+xml', '.json': 'application/json', '.html': 'text/html' };

if (!existsSync(browserPath) || !(await fetch(`${api}/api/v1/models`).then((r) => r.ok, () => false))) {
  const missing = existsSync(browserPath) ? `no Driftline answers at ${api}: start one, or set DRIFTLINE_API` : `no Chromium at ${browserPath}: install it, or set CHROMIUM`;
  process.stderr.write(`browser: ${missing}\n`);
  process.exit(process.env.CI === 'true' ? 1 : 0);
}

await build({ entryPoints: [join(here, 'host.jsx')], bundle: true, outfile: join(here, 'build/host.js'), format: 'iife', jsx: 'automatic', logLevel: 'error', loader: { '.svg': 'dataurl', '.ttf': 'dataurl', '.woff2': 'dataurl', '.png': 'dataurl' }, define: { 'process.env.NODE_ENV': '"development"', global: 'window', define: 'undefined' } });

const page = '<!doctype html><html lang="en"><head><title>host</title><link rel="icon" href="data:,"></head><body><div id="root"></div><script src="/boot.js"></script><script src="/systemjs/system.min.js"></script><script src="/systemjs/extras/amd.min.js"></script><script src="/build/host.js"></script></body></html>';
const folders = [['/public/plugins/driftline-app/', join(home, 'dist/')], ['/public/build/img/', join(home, 'node_modules/@grafana/ui/dist/public/img/')], ['/systemjs/', join(home, 'node_modules/systemjs/dist/')], ['/', `${here}/`]];
const asked = [];
const server = createServer(async (q, w) => {
  const url = new URL(q.url, 'http://host');
  const send = (status, type, body) => w.writeHead(status, { 'content-type': type }).end(body);
  const on = async (path) => {
    let body = '';
    for await (const part of q) {
      body += part;
    }
    const r = await fetch(`${api}/api/v1${path}`, { method: q.method, headers: body ? { 'content-type': 'application/json' } : {}, body: body ? JSON.stringify(plain(JSON.parse(body))) : undefined });
    asked.push(`${q.method} ${path} ${r.status}`);
    send(r.status, 'application/json', await r.text());
  };
  const resource = /^\/api\/datasources\/uid\/driftline\/resources\/(.*)$/.exec(url.pathname)?.[1];
  if (url.pathname === '/') {
    return send(200, 'text/html', page);
  }
  if (url.pathname === '/api/ds/query') {
    return on('/query');
  }
  if (resource === 'kinds') {
    return on('/query/kinds');
  }
  if (resource) {
    return on(resource.startsWith('api/') ? resource.slice(3) + url.search : `/query/options/${resource}${url.search}`);
  }
  for (const [prefix, folder] of folders) {
    const file = join(folder, url.pathname.slice(prefix.length));
    if (url.pathname.startsWith(prefix) && file.startsWith(folder) && existsSync(file)) {
      return send(200, types[extname(file)] ?? 'application/octet-stream', await readFile(file));
    }
  }
  return send(404, 'text/plain', url.pathname);
});

/** plain questions are those without what Grafana adds for itself. */
function plain(body) {
  const own = ['datasource', 'datasourceId', 'live', 'hide', 'key', 'queryType', 'queryCachingTTL'];
  return body.queries ? { from: body.from, to: body.to, queries: body.queries.map((q) => Object.fromEntries(Object.entries(q).filter(([k]) => !own.includes(k)))) } : body;
}

await new Promise((ready) => server.listen(0, '127.0.0.1', ready));
const host = `http://127.0.0.1:${server.address().port}`;
const list = async (path) => (await (await fetch(`${api}/api/v1${path}`)).json()).items;
const incidents = await list('/incidents');
const incident = incidents.find((i) => i.diagnosis?.causes?.length) ?? incidents[0];
if (!incident) {
  process.stderr.write('browser: Driftline has no incident: give it the data of a demo\n');
  process.exit(1);
}
const end = Math.max(...incidents.map((i) => Date.parse(i.updated_at))) + 15 * 60_000;
const time = { from: end - 90 * 60_000, to: end };
const model = incident.model;

const shots = join(home, 'screenshots');
await mkdir(shots, { recursive: true });
const browser = await chromium.launch({ executablePath: browserPath, args: ['--no-sandbox'] });
const axe = await readFile(require.resolve('axe-core/axe.min.js'), 'utf8');
let failures = 0;
const fail = (name, what) => {
  failures++;
  process.stdout.write(`FAIL ${name}: ${what}\n`);
};

/** isOwn tells Grafana's own fonts and icons, which no package has. */
const isOwn = (url) => /\/public\/(fonts|build\/img\/icons)\//.test(url);

/** look at a page: nothing may go wrong, axe finds nothing, and what is expected is there. */
async function look(name, scheme, address, { expect, within, act } = {}) {
  if (process.env.ONLY && !name.includes(process.env.ONLY)) {
    return;
  }
  const p = await browser.newPage({ viewport: { width: 1400, height: 900 }, colorScheme: scheme });
  p.on('console', (m) => ['error', 'warning'].includes(m.type()) && !isOwn(m.location().url) && fail(name, `${m.type()}: ${m.text().slice(0, 300)}`));
  p.on('pageerror', (e) => fail(name, e.message.slice(0, 300)));
  p.on('response', (r) => r.status() >= 400 && !isOwn(r.url()) && fail(name, `${r.status()} ${r.url()}`));
  await p.goto(address);
  for (const text of expect ?? []) {
    await p.locator(text).first().waitFor({ timeout: 15_000 }).catch(() => fail(name, `${text} does not appear`));
  }
  await p.waitForLoadState('networkidle', { timeout: 3000 }).catch(() => undefined); // the console's stream never ends
  await p.waitForFunction(() => !document.querySelector('[aria-busy="true"]'), null, { timeout: 10_000 }).catch(() => fail(name, 'loads for ever'));
  await act?.(p).catch((e) => fail(name, e.message.split('\n')[0]));
  await p.evaluate(`(function (define) {${axe}})()`); // it would take SystemJS's define
  const found = await p.evaluate((where) => window.axe.run(document.querySelector(where ?? 'body') ?? document, { resultTypes: ['violations'] }), within);
  for (const v of found.violations) {
    fail(name, `axe ${v.id} (${v.impact}): ${v.help}: ${v.nodes.slice(0, 2).map((n) => n.html.slice(0, 120)).join(' | ')}`);
  }
  await p.screenshot({ path: join(shots, `${name}.png`), fullPage: true });
  await p.close();
  process.stdout.write(`${name}: ${found.passes.length} rules of axe passed\n`);
}

for (const scheme of ['dark', 'light']) {
  const visible = (text) => `text=${text}`;
  const shown = (show, query) => `${host}/?${new URLSearchParams({ show, theme: scheme, ...Object.fromEntries(Object.entries(time).map(([k, v]) => [k, String(v)])), ...(query ? { query: JSON.stringify(query) } : {}) })}`;
  const own = { within: '.dl-root' };
  await look(`plugin-editors-${scheme}`, scheme, shown('editors', { kind: 'distribution' }), {
    expect: ['#driftline-addr', '#models-A'], within: 'main',
    act: async (p) => {
      await p.fill('#driftline-addr', 'clickhouse:9000');
      if ((await p.evaluate(() => window.__options.jsonData.addr)) !== 'clickhouse:9000') {
        fail('editors', 'the address is not kept');
      }
      await p.locator('#models-A').click({ timeout: 5000 });
      await p.locator(`[role="option"] >> text=${model}`).first().click({ timeout: 5000 }).catch(() => fail('editors', 'no models to choose'));
      await p.keyboard.press('Escape');
      const q = await p.evaluate(() => window.__query);
      if (q.models?.[0] !== model) {
        fail('editors', `models are ${JSON.stringify(q.models)}`);
      }
    },
  });
  const models = [model];
  await look(`plugin-heatmap-${scheme}`, scheme, shown('heatmap', { kind: 'drift_heatmap', models }), {
    ...own, expect: ['canvas'],
    act: async (p) => { // by keyboard
      await p.locator('canvas').first().focus();
      await p.keyboard.press('ArrowDown');
      await p.keyboard.press('ArrowUp');
      await p.locator('.dl-tip').first().waitFor({ timeout: 5000 }).catch(() => fail('keyboard', 'no tooltip'));
    },
  });
  await look(`plugin-distribution-${scheme}`, scheme, shown('distribution', { kind: 'distribution', models, limit: 6 }), { ...own, expect: ['.dl-overlay svg'] });
  await look(`plugin-ridgeline-${scheme}`, scheme, shown('ridgeline', { kind: 'distribution_series', models, features: ['_score'] }), { ...own, expect: ['.dl-ridges svg'] });
  await look(`plugin-evidence-${scheme}`, scheme, shown('evidence', { kind: 'incident_causes', id: incident.id }), { ...own, expect: ['.dl-causes button'] });
  await look(`plugin-health-${scheme}`, scheme, shown('health', { kind: 'health_matrix' }), { ...own, expect: ['canvas'] });
  await look(`plugin-page-fleet-${scheme}`, scheme, shown('/fleet'), { ...own, expect: [visible('open incidents'), 'canvas'] });
  await look(`plugin-page-model-${scheme}`, scheme, shown(`/models/default/${model}`), { ...own, expect: ['canvas'] });
  await look(`plugin-page-incident-${scheme}`, scheme, shown(`/incidents/${incident.id}`), { ...own, expect: ['.dl-causes button', visible('Timeline')] });
  await look(`plugin-page-pipeline-${scheme}`, scheme, shown('/pipeline'), { ...own, expect: [visible('Decisions')] });
}
await browser.close();
server.close();
server.closeAllConnections();
process.stdout.write(failures ? `${failures} failures\n` : 'all as it should be\n');
process.exit(failures ? 1 : 0);
