// Opens the pages of the built book, from their files, and tries the steppers in them. See ./run.
import { mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { basename, join, relative, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';

const { values: options } = parseArgs({
  options: Object.fromEntries(['book', 'fragments', 'modules', 'chromium', 'screenshots'].map((name) => [name, { type: 'string' }])),
});
const { chromium } = createRequire(`${resolve(options.modules)}/`)('playwright-core');

const WIDE = { width: 1280, height: 900 };
const NARROW = { width: 390, height: 844 };
const THEMES = { light: 'light', dark: 'navy' };

let passed = 0;
const failures = [];

function check(right, what) {
  if (right) passed += 1;
  else {
    failures.push(what);
    console.error(`FAILED  ${what}`);
  }
}

/** The pages that are for readers: not the pieces that pages include, nor the one for a server's 404. */
function pages(folder) {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name);
    const name = relative(options.book, path);
    if (entry.isDirectory()) return ['generated', 'theme', 'fonts', 'css'].includes(name) ? [] : pages(path);
    return name.endsWith('.html') && !['404.html', 'toc.html'].includes(name) ? [path] : [];
  });
}

const address = (path, hash = '') => pathToFileURL(path).href + hash;

/** A page in which every complaint is collected. */
async function open(browser, { size, theme = 'light', javaScriptEnabled = true, reducedMotion = 'reduce' }) {
  const context = await browser.newContext({ viewport: size, javaScriptEnabled, reducedMotion });
  await context.addInitScript((name) => localStorage.setItem('mdbook-theme', name), THEMES[theme]);
  const page = await context.newPage();
  const complaints = [];
  page.on('console', (message) => ['error', 'warning'].includes(message.type()) && complaints.push(message.text()));
  page.on('pageerror', (error) => complaints.push(String(error)));
  page.on('requestfailed', (request) => complaints.push(`${request.url()} was not found`));
  page.on('request', (request) => {
    if (!/^(file|data|blob):/.test(request.url())) complaints.push(`${request.url()} was asked for`);
  });
  return { page, context, complaints };
}

const overflow = (page) => page.evaluate(() => {
  const content = document.querySelector('.content') ?? document.documentElement;
  return Math.max(
    document.documentElement.scrollWidth - document.documentElement.clientWidth,
    content.scrollWidth - content.clientWidth,
  );
});

/** What a stepper shows now. */
const shown = (stepper) => stepper.evaluate((element) => {
  const inside = (pane, child) => {
    if (!pane || !child) return false;
    const [outer, inner] = [pane.getBoundingClientRect(), child.getBoundingClientRect()];
    return inner.height > 0 && inner.top >= outer.top - 1 && inner.bottom <= outer.bottom + 1;
  };
  const query = (selector) => element.querySelector(selector);
  return {
    at: element.at,
    count: element.count,
    number: query('.number').textContent,
    slider: Number(query('input[type=range]').value),
    said: query('.say').textContent,
    current: element.querySelectorAll('[aria-current=step]').length,
    currentSeen: inside(query('.stage :is(.tree, .scroll)'), query('[aria-current=step]')),
    code: element.querySelectorAll('.code .line').length,
    file: query('.code .file')?.textContent,
    line: query('.code .now .n')?.textContent.replace(/\D/g, ''),
    lineSeen: inside(query('.code'), query('.code .now')),
    detail: element.querySelectorAll('.detail dd').length,
    response: query('.wire > :last-child pre')?.textContent,
  };
});

async function tryStepper(page, stepper, where, index) {
  const isEras = await stepper.evaluate((element) => element.localName === 'carafe-eras');
  const data = JSON.parse(await stepper.locator('script').first().textContent());
  const count = isEras ? data.scenes[0].rows.length : data.moments.length;
  const name = await stepper.getAttribute('name');
  const hash = (step) => `#${index ? `${name}.` : ''}step=${step}`;
  check(count > 10, `${where}: there are steps`);
  await stepper.focus();
  await page.keyboard.press('Home');

  // To the end by key; what it shows is looked at on the way.
  for (let at = 0; at < count; at += 1) {
    if (at) await page.keyboard.press('ArrowRight');
    const now = await shown(stepper);
    const right = now.at === at && now.slider === at + 1 && now.number === `${at + 1} / ${count}`
      && now.said.includes(`Step ${at + 1} of ${count}.`) && now.current === 1 && now.currentSeen;
    check(right, `${where}: step ${at + 1} is shown: ${JSON.stringify(now)}`);
    if (isEras) {
      check(now.detail === data.eras.length, `${where}: step ${at + 1} says where it is in each Flask`);
      continue;
    }
    const moment = data.moments[at];
    const source = data.sources[moment.source ?? data.steps[moment.step].source];
    check(now.code > 0 && now.file.startsWith(`${source.file}:`), `${where}: step ${at + 1} shows its code`);
    check(now.file === `${source.file}:${now.line}` && now.lineSeen, `${where}: step ${at + 1} marks its line: ${now.file} ${now.line} ${now.lineSeen}`);
    const sent = data.response.slice(0, moment.sent).join('').replaceAll('\r', '');
    check(now.response === (sent || 'nothing yet'), `${where}: step ${at + 1} shows what was sent`);
  }
  check(new URL(page.url()).hash === hash(count), `${where}: the address says the step: ${page.url()}`);
  await page.keyboard.press('ArrowRight');
  check((await shown(stepper)).at === count - 1, `${where}: it stays at the end`);
  await page.keyboard.press('ArrowLeft');
  check((await shown(stepper)).at === count - 2, `${where}: left goes back`);
  await page.keyboard.press('Home');
  check((await shown(stepper)).at === 0, `${where}: Home goes to the start`);
  await page.keyboard.press('End');
  check((await shown(stepper)).at === count - 1, `${where}: End goes to the end`);

  await stepper.locator('input[type=range]').fill('5');
  check((await shown(stepper)).at === 4, `${where}: the slider goes to a step`);
  await page.evaluate((to) => { location.hash = to; }, hash(9));
  await page.waitForFunction(([element]) => element.at === 8, [await stepper.elementHandle()], { timeout: 5000 })
    .then(() => check(true), () => check(false, `${where}: the address leads to a step`));

  await stepper.getByRole('button', { name: /^First/ }).click();
  check((await shown(stepper)).at === 0, `${where}: the first button`);
  await stepper.getByRole('button', { name: /^Next/ }).click();
  check((await shown(stepper)).at === 1, `${where}: the next button`);
  await stepper.focus();
  await page.keyboard.press(' ');
  await page.waitForFunction(([element]) => element.at === 2, [await stepper.elementHandle()], { timeout: 5000 })
    .then(() => check(true), () => check(false, `${where}: space plays`));
  await page.keyboard.press(' ');
  check(await stepper.evaluate((element) => element.timer === null), `${where}: space stops`);

  const list = stepper.locator('.as-list');
  check(!(await list.isVisible()), `${where}: the list is folded away`);
  await stepper.getByRole('button', { name: 'as a list' }).click();
  check(await list.isVisible(), `${where}: the list can be asked for`);
  await stepper.getByRole('button', { name: 'as a list' }).click();
}

async function screenshots(page, stepper, file) {
  const count = await stepper.evaluate((element) => element.count);
  for (const part of [0, 0.35, 0.6, 1]) {
    const at = Math.round((count - 1) * part);
    await stepper.evaluate((element, to) => element.go(to), at);
    await stepper.screenshot({ path: join(options.screenshots, `${file}-${String(at + 1).padStart(2, '0')}.png`) });
  }
}

/** All steppers of a page, at one width and in one theme. */
async function tryPage(browser, path, { size, theme }) {
  const name = relative(options.book, path);
  const { page, context, complaints } = await open(browser, { size, theme });
  await page.goto(address(path), { waitUntil: 'load' });
  const set = await page.evaluate(() => document.documentElement.className);
  check(set.split(' ').includes(THEMES[theme]), `${name}: the theme is ${THEMES[theme]}: ${set}`);
  const steppers = await page.locator('carafe-stepper, carafe-eras').all();
  for (const [index, stepper] of steppers.entries()) {
    const own = await stepper.getAttribute('name');
    const where = `${name} ${own} ${size.width} ${theme}`;
    seen.add(own);
    tried += 1;
    await tryStepper(page, stepper, where, index);
    await screenshots(page, stepper, `${own}-${size.width}-${theme}`);
  }
  const over = await overflow(page);
  check(over <= 0, `${name} ${size.width} ${theme}: ${over} px too wide`);
  check(complaints.length === 0, `${name} ${size.width} ${theme}: ${complaints.join('; ')}`);
  // A link to a step, opened anew.
  await page.goto('about:blank');
  await page.goto(address(path, '#step=7'), { waitUntil: 'load' });
  const first = page.locator('carafe-stepper, carafe-eras').first();
  check((await shown(first)).at === 6, `${name} ${size.width} ${theme}: a link leads to a step`);
  await page.screenshot({ path: join(options.screenshots, `page-${basename(name, '.html')}-${size.width}-${theme}.png`) });
  await context.close();
}

const all = pages(options.book).sort();
rmSync(options.screenshots, { recursive: true, force: true });
mkdirSync(options.screenshots, { recursive: true });
const browser = await chromium.launch({
  executablePath: options.chromium,
  args: ['--headless', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run',
    '--disable-background-networking', '--disable-component-update', '--disable-sync'],
});
const seen = new Set();
let tried = 0;
try {
  // Every page loads without a complaint, and fits a telephone.
  const wide = await open(browser, { size: WIDE });
  const narrow = await open(browser, { size: NARROW });
  const withSteppers = [];
  for (const path of all) {
    const name = relative(options.book, path);
    for (const { page, complaints } of [wide, narrow]) {
      complaints.length = 0;
      await page.goto(address(path), { waitUntil: 'load' });
      check(complaints.length === 0, `${name}: ${complaints.join('; ')}`);
    }
    const over = await overflow(narrow.page);
    check(over <= 0, `${name}: ${over} px too wide at ${NARROW.width} px`);
    // index.html is the first chapter once more.
    const steppers = await wide.page.locator('carafe-stepper, carafe-eras').count();
    if (steppers && !['index.html', 'print.html'].includes(name)) withSteppers.push(path);
  }
  await wide.context.close();
  await narrow.context.close();

  for (const path of withSteppers) {
    const name = relative(options.book, path);
    const ways = [WIDE, NARROW].flatMap((size) => Object.keys(THEMES).map((theme) => ({ size, theme })));
    await Promise.all(ways.map((way) => tryPage(browser, path, way)));
    // Without JavaScript the list is there, all of it.
    const { page, context } = await open(browser, { size: NARROW, javaScriptEnabled: false });
    await page.goto(address(path), { waitUntil: 'load' });
    for (const list of await page.locator('.as-list').all()) {
      check(await list.isVisible(), `${name}: the list is shown without JavaScript`);
      check(await list.locator('li, tr').count() > 20, `${name}: the list has the steps`);
    }
    check(await page.locator('.as-list').count() > 0, `${name}: there is a list`);
    const over = await overflow(page);
    check(over <= 0, `${name} without JavaScript: ${over} px too wide`);
    await page.screenshot({ path: join(options.screenshots, `nojs-${basename(name, '.html')}.png`) });
    await context.close();
  }
} finally {
  await browser.close();
}

for (const file of readdirSync(options.fragments)) {
  const [, name] = /<carafe-[a-z]+ name="([\w-]+)">/.exec(readFileSync(join(options.fragments, file), 'utf8'));
  check(seen.has(name), `generated/stepper/${file} is on a page`);
}
check(all.length > 0 && tried > 0 && passed > 100, 'something was checked');
console.log(`${all.length} pages, ${tried} steppers tried; screenshots in ${options.screenshots}`);
console.log(`${passed} passed, ${failures.length} failed`);
process.exit(failures.length ? 1 : 0);
