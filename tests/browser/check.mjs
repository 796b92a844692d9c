// Opens the pages of the built book, from their files, and tries the steppers in them. See ./run.
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import { createRequire } from 'node:module';
import { basename, extname, join, relative, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';

import { COMMANDS, tryStore } from './stores.mjs';

const { values: options } = parseArgs({
  options: Object.fromEntries(['book', 'source', 'modules', 'chromium', 'screenshots'].map((name) => [name, { type: 'string' }])),
});
const { chromium } = createRequire(`${resolve(options.modules)}/`)('playwright-core');

const WIDE = { width: 1280, height: 900 };
const NARROW = { width: 390, height: 844 };
const THEMES = { light: 'light', dark: 'navy' };

let passed = 0;
const failures = [];

// A browser that hangs shall not hang who waits for this.
const MINUTES = 25;
setTimeout(() => {
  console.error(`FAILED  after ${MINUTES} minutes it was not done`);
  process.exit(1);
}, MINUTES * 60_000).unref();

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
async function open(browser, { size, theme = 'light', javaScriptEnabled = true, reducedMotion = 'reduce', from = 'file:' }) {
  const context = await browser.newContext({ viewport: size, javaScriptEnabled, reducedMotion });
  await context.addInitScript((name) => localStorage.setItem('mdbook-theme', name), THEMES[theme]);
  const page = await context.newPage();
  const complaints = [];
  page.on('console', (message) => ['error', 'warning'].includes(message.type()) && complaints.push(message.text()));
  page.on('pageerror', (error) => complaints.push(String(error)));
  page.on('requestfailed', (request) => {
    // What the page before still waited for is given up when the next is opened.
    const { errorText } = request.failure();
    if (errorText !== 'net::ERR_ABORTED') complaints.push(`${request.url()} was not found: ${errorText}`);
  });
  page.on('request', (request) => {
    if (![from, 'data:', 'blob:'].some((origin) => request.url().startsWith(origin))) complaints.push(`${request.url()} was asked for`);
  });
  return { page, context, complaints };
}

/** By how much the page is wider than the screen. What scrolls on its own may be. */
const overflow = (page) => page.evaluate(() => {
  const root = document.documentElement;
  let over = root.scrollWidth - root.clientWidth;
  const visit = (element) => {
    const style = getComputedStyle(element);
    if (style.display === 'none' || style.position === 'fixed') return;
    const box = element.getBoundingClientRect();
    if (box.width && box.height) over = Math.max(over, Math.floor(box.right - root.clientWidth));
    if (style.overflowX === 'visible' || element.matches('main')) [...element.children].forEach(visit);
  };
  const main = document.querySelector('main');
  if (!main) return Infinity;
  visit(main);
  return over;
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
    request: query('.wire > :first-child pre')?.textContent,
    response: query('.wire > :last-child pre')?.textContent,
    store: query('.storage')?.textContent,
    storeSeen: [...element.querySelectorAll('.storage > section')].every((pane) => {
      const news = pane.querySelector('.new');
      return !news || inside(pane, news) || news.getBoundingClientRect().height > pane.clientHeight / 2;
    }),
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
    const visit = data.visits[moment.visit ?? 0];
    const sent = data.response.slice(visit.piece, moment.sent).join('').replaceAll('\r', '');
    check(now.response === (sent || 'nothing yet'), `${where}: step ${at + 1} shows what was sent`);
    check(now.request === visit.wire.replaceAll('\r', ''), `${where}: step ${at + 1} shows the request`);
    check(now.storeSeen, `${where}: step ${at + 1} shows what is new in the store`);
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

/** For a person to look at. Chromium may take long over a frame while others are drawn: then once more. */
async function screenshot(what, name) {
  const shot = () => what.screenshot({ path: join(options.screenshots, `${name}.png`) });
  await shot().catch(shot);
}

async function screenshots(page, stepper, file, parts) {
  const count = await stepper.evaluate((element) => element.count);
  for (const part of parts) {
    const at = Math.round((count - 1) * part);
    await stepper.evaluate((element, to) => element.go(to), at);
    await screenshot(stepper, `${file}-${String(at + 1).padStart(2, '0')}`);
  }
}

/** A store that is told something, and one that answers. */
async function storeScreenshots(stepper, file) {
  for (const way of ['to', 'from']) {
    await stepper.evaluate((element, wanted) => {
      element.go(element.data.moments.findIndex(({ store }) => store?.said.at(-1)?.way === wanted));
    }, way);
    await screenshot(stepper, `${file}-${way}`);
  }
}

/** What stands in a stepper, as it is in the repository. */
const fragment = (name) => readFileSync(join(options.source, 'generated/stepper', `${name}.html`), 'utf8');
const data = (html) => /<script type="application\/json">(.*?)<\/script>/s.exec(html)[1];

/** One step, and that it can be read: in the dark nothing but the colours is another. */
async function tryColors(stepper, where) {
  const at = Math.floor(await stepper.evaluate((element) => element.count) / 2);
  await stepper.evaluate((element, to) => element.go(to), at);
  const now = await shown(stepper);
  check(now.at === at && now.current === 1 && now.currentSeen, `${where}: step ${at + 1} is shown: ${JSON.stringify(now)}`);
  const contrasts = await stepper.evaluate((element) => {
    // The browser knows every colour; one pixel of it says how bright it is.
    const context = document.createElement('canvas').getContext('2d', { willReadFrequently: true });
    const light = (over, under) => {
      for (const color of [under, over]) {
        context.fillStyle = color;
        context.fillRect(0, 0, 1, 1);
      }
      const [red, green, blue] = [...context.getImageData(0, 0, 1, 1).data]
        .map((byte) => (byte <= 10 ? byte / 3294 : ((byte / 255 + 0.055) / 1.055) ** 2.4));
      return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
    };
    const page = getComputedStyle(document.documentElement).backgroundColor;
    const behind = (child) => {
      for (let box = child; box; box = box.parentElement) {
        const color = getComputedStyle(box).backgroundColor;
        if (color !== 'rgba(0, 0, 0, 0)') return color;
      }
      return page;
    };
    return [...element.querySelectorAll('.stage :is(.name, .text, .what, .place, h4, dt, dd, .file, .none, .storage li, .storage span)')].map((child) => {
      const under = behind(child);
      const [a, b] = [light(getComputedStyle(child).color, under), light(under, page)];
      return { contrast: (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05), text: child.textContent.slice(0, 30) };
    });
  });
  const faint = contrasts.filter(({ contrast }) => contrast < 4.5);
  check(contrasts.length > 20 && !faint.length, `${where}: of ${contrasts.length} texts are too faint: ${JSON.stringify(faint.slice(0, 5))}`);
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
    tried.push(`${own} ${size.width} ${theme}`);
    const built = await stepper.locator('script').first().textContent();
    check(built === data(fragment(own)), `${where}: it is the one of now: mdbook build book`);
    if (theme === 'light') await tryStepper(page, stepper, where, index);
    if (own.startsWith('store_')) await tryStore(check, stepper, where, own);
    await tryColors(stepper, where);
    await screenshots(page, stepper, `${own}-${size.width}-${theme}`, theme === 'dark' ? [0.6] : [0, 0.35, 0.6, 1]);
    if (own.startsWith('store_')) await storeScreenshots(stepper, `${own}-${size.width}-${theme}`);

  }
  const over = await overflow(page);
  check(over <= 0, `${name} ${size.width} ${theme}: ${over} px too wide`);
  check(complaints.length === 0, `${name} ${size.width} ${theme}: ${complaints.join('; ')}`);
  // A link to a step, opened anew.
  await page.goto('about:blank');
  await page.goto(address(path, '#step=7'), { waitUntil: 'load' });
  const first = page.locator('carafe-stepper, carafe-eras').first();
  check((await shown(first)).at === 6, `${name} ${size.width} ${theme}: a link leads to a step`);
  await screenshot(page, `page-${basename(name, '.html')}-${size.width}-${theme}`);
  await context.close();
}

/** Without JavaScript the list is there, all of it. */
async function tryList(browser, path) {
  const name = relative(options.book, path);
  const { page, context } = await open(browser, { size: NARROW, javaScriptEnabled: false });
  await page.goto(address(path), { waitUntil: 'load' });
  const lists = await page.locator('.as-list').all();
  check(lists.length > 0, `${name}: there is a list`);
  for (const list of lists) {
    check(await list.isVisible(), `${name}: the list is shown without JavaScript`);
    check(await list.locator('li, tr').count() > 20, `${name}: the list has the steps`);
    const own = await list.evaluate((element) => element.parentElement.getAttribute('name'));
    for (const command of COMMANDS[own] ?? []) check((await list.textContent()).includes(command), `${name}: the list has ${command}`);
    if (COMMANDS[own]) check((await list.textContent()).includes('\\x82\\xaa_permanent'), `${name}: the list has the bytes`);
  }
  await screenshot(page, `nojs-${basename(name, '.html')}`);
  await context.close();
}

/** Every page loads without a complaint, and fits the screen; those with steppers are returned. */
async function tryAll(browser, all, size) {
  const { page, context, complaints } = await open(browser, { size });
  const found = [];
  for (const path of all) {
    const name = `${relative(options.book, path)} ${size.width}`;
    complaints.length = 0;
    await page.goto(address(path), { waitUntil: 'load' });
    check(complaints.length === 0, `${name}: ${complaints.join('; ')}`);
    const over = await overflow(page);
    check(over <= 0, `${name}: ${over} px too wide`);
    const { text, title, indented } = await page.evaluate(() => ({
      text: document.querySelector('main')?.textContent.length,
      title: document.querySelector('main h1')?.textContent,
      indented: [...document.querySelectorAll('pre > code.language-rust')]
        .filter((code) => code.textContent.trim() && code.textContent.split('\n').every((line) => !line || line.startsWith(' ')))
        .length,
    }));
    check(text > 100 && title, `${name}: it has a title, ${title}, and ${text} characters`);
    check(indented === 0, `${name}: ${indented} pieces of code do not begin at the left`);
    if (await page.locator('carafe-stepper, carafe-eras').count()) found.push(path);
  }
  await context.close();
  return found;
}

/** The book on a server, as most will read it: a page, a search in it, and a line of a source file. */
async function tryServed(browser) {
  const types = { '.html': 'text/html', '.js': 'text/javascript', '.css': 'text/css', '.svg': 'image/svg+xml' };
  const server = createServer((request, response) => {
    const file = join(options.book, decodeURIComponent(new URL(request.url, 'http://localhost').pathname));
    const path = file.endsWith('/') ? `${file}index.html` : file;
    if (!existsSync(path)) response.writeHead(404).end();
    else response.writeHead(200, { 'Content-Type': types[extname(path)] ?? 'application/octet-stream' }).end(readFileSync(path));
  });
  await new Promise((ready) => { server.listen(0, '127.0.0.1', ready); });
  const root = `http://127.0.0.1:${server.address().port}/`;
  const { page, context, complaints } = await open(browser, { size: WIDE, from: root });
  await page.goto(root, { waitUntil: 'load' });
  check(await page.locator('carafe-stepper .stage').count() > 0, 'on a server, the first page has its stepper');
  await page.keyboard.press('/');
  await page.keyboard.type('teardown');
  const results = page.locator('#mdbook-searchresults li');
  await results.first().waitFor({ timeout: 10_000 }).catch(() => {});
  const links = await results.locator('a').evaluateAll((found) => found.map((link) => link.getAttribute('href')));
  check(links[0]?.startsWith('teardown.html'), `a search finds the chapter first: ${links.slice(0, 3)}`);
  check(!links.some((link) => link.startsWith('code/')), `a search does not find source files: ${links}`);
  const code = `${root}code/src/lifecycle.html`;
  await page.goto(code, { waitUntil: 'load' });
  // Not any line: those that only mark what the chapters show have no number.
  const wanted = await page.locator('.numbers a').nth(50).textContent();
  await page.goto(root, { waitUntil: 'load' });
  await page.goto(`${code}#L${wanted}`, { waitUntil: 'load' });
  const line = page.locator('.numbers .now');
  check(await line.count() === 1 && await line.textContent() === wanted, 'a link leads to a line of a file');
  check(await line.isVisible() && (await line.boundingBox()).y < WIDE.height, 'the line is seen');
  // A server without the app that it is about: the page says how to start one that has it.
  await page.goto(`${root}live.html`, { waitUntil: 'networkidle' });
  const how = await page.locator('carafe-live').textContent();
  check(how.includes('--example live_book'), `the live page says how to start it: ${how}`);
  check(await page.locator('carafe-live form').count() === 0, 'the live page has no form that leads nowhere');
  check(complaints.length === 0, `on a server: ${complaints.join('; ')}`);
  await context.close();
  server.close();
}

const all = pages(options.book).sort();
rmSync(options.screenshots, { recursive: true, force: true });
mkdirSync(options.screenshots, { recursive: true });
const browser = await chromium.launch({
  executablePath: options.chromium,
  args: ['--headless', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run',
    '--disable-background-networking', '--disable-component-update', '--disable-sync'],
});
/** Which stepper was tried, how wide and in which theme. */
const tried = [];
try {
  const [found] = await Promise.all([tryAll(browser, all, WIDE), tryAll(browser, all, NARROW)]);
  // index.html is the first chapter once more.
  const withSteppers = found.filter((path) => relative(options.book, path) !== 'index.html');
  const ways = [WIDE, NARROW].flatMap((size) => Object.keys(THEMES).map((theme) => ({ size, theme })));
  // Two at a time: more only wait for each other.
  const jobs = withSteppers.flatMap((path) => [...ways.map((way) => () => tryPage(browser, path, way)), () => tryList(browser, path)]);
  jobs.push(() => tryServed(browser));
  const work = async () => {
    for (let job = jobs.shift(); job; job = jobs.shift()) await job();
  };
  await Promise.all([work(), work()]);
} finally {
  await browser.close();
}

// All of it was there to be checked.
const chapters = [...readFileSync(join(options.source, 'SUMMARY.md'), 'utf8').matchAll(/\]\((.*?)\.md\)/g)].map(([, path]) => path);
const built = all.map((path) => relative(options.book, path));
check(chapters.length > 20, `there are ${chapters.length} chapters`);
for (const chapter of chapters) check(built.includes(`${chapter}.html`), `${chapter}.md was built: mdbook build book`);
const names = readdirSync(join(options.source, 'generated/stepper')).map((file) => basename(file, '.html'));
check(names.length > 5, `there are ${names.length} steppers`);
const wanted = names.flatMap((name) => [WIDE, NARROW].flatMap(({ width }) => Object.keys(THEMES).map((theme) => `${name} ${width} ${theme}`)));
for (const way of wanted) check(tried.includes(way), `the stepper ${way} was tried`);
check(passed > 3000, `${passed} checks are too few`);
console.log(`${all.length} pages, ${tried.length} steppers tried; screenshots in ${options.screenshots}`);
console.log(`${passed} passed, ${failures.length} failed`);
process.exit(failures.length ? 1 : 0);
