// Opens the book that examples/live_book serves, and sends requests to its demo app, as readers do. See ./run.
import { spawn } from 'node:child_process';
import { mkdirSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';

const { values: options } = parseArgs({
  options: Object.fromEntries(['book', 'server', 'modules', 'chromium', 'screenshots'].map((name) => [name, { type: 'string' }])),
});
const { chromium } = createRequire(`${resolve(options.modules)}/`)('playwright-core');

const SIZES = [{ width: 1280, height: 900 }, { width: 390, height: 844 }];
const THEMES = { light: 'light', dark: 'navy' };

let passed = 0;
const failures = [];

// A browser that hangs shall not hang who waits for this.
const MINUTES = 10;
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

/** Starts the server, and waits for the address that it prints. */
async function start(bind) {
  const child = spawn(options.server, ['--bind', bind, '--book', options.book], { stdio: ['ignore', 'pipe', 'inherit'] });
  const ended = new Promise((done) => { child.on('exit', done); });
  const root = await new Promise((found, fail) => {
    let printed = '';
    child.stdout.on('data', (bytes) => {
      printed += bytes;
      const address = /listening on (http:\S+)/.exec(printed);
      if (address) found(address[1]);
    });
    ended.then((code) => fail(new Error(`the server ended with ${code}`)));
  });
  return { root, stop: () => { child.kill('SIGTERM'); return ended; } };
}

/** A reader's browser, in which every complaint is collected. What the security policy forbids is one. */
async function open(browser, root, { size = SIZES[0], theme = 'light' } = {}) {
  const context = await browser.newContext({ viewport: size, reducedMotion: 'reduce' });
  await context.addInitScript((name) => localStorage.setItem('mdbook-theme', name), THEMES[theme]);
  const page = await context.newPage();
  const complaints = [];
  page.on('console', (message) => ['error', 'warning'].includes(message.type()) && complaints.push(message.text()));
  page.on('pageerror', (error) => complaints.push(String(error)));
  page.on('dialog', (dialog) => { complaints.push(`a dialog: ${dialog.message()}`); dialog.dismiss(); });
  page.on('request', (request) => {
    if (![root, 'data:', 'blob:'].some((origin) => request.url().startsWith(origin))) complaints.push(`${request.url()} was asked for`);
  });
  await page.goto(`${root}/live.html`, { waitUntil: 'load' });
  await page.locator('carafe-live form').waitFor();
  return { page, context, complaints };
}

const player = (page) => page.locator('carafe-live carafe-stepper');
const said = (page) => page.locator('carafe-live .said').textContent();

/** Sends a request, by its option and its form, and waits for the answer: its status line, or why there is none. */
async function send(page, request, form = {}) {
  await page.locator('#live-choice').selectOption(request);
  for (const [name, value] of Object.entries(form)) await page.fill(`#live-${name}`, value);
  await page.getByRole('button', { name: 'Send', exact: true }).click();
  await page.waitForFunction(() => !document.querySelector('carafe-live button[type=submit]').disabled);
  return said(page);
}

/** All that a player knows, as one text. */
const known = (page) => player(page).evaluate((element) => JSON.stringify(element.data));

const overflow = (page) => page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);

/** One reader logs in under a name that would be a script, and goes through it with the keys. */
async function tryWay(browser, root, size, theme) {
  const where = `${size.width} ${theme}`;
  const { page, context, complaints } = await open(browser, root, { size, theme });
  const shot = (name) => page.screenshot({ path: join(options.screenshots, `${name}-${size.width}-${theme}.png`) });
  check(await overflow(page) <= 0, `${where}: the page fits`);
  await shot('form');
  const name = 'Jill</script><img src=x onerror=alert(1)><script>alert(2)</script>';
  const answer = await send(page, 'POST /login', { username: name });
  check(answer.startsWith('answered: 200 OK'), `${where}: a login is answered: ${answer}`);
  const stepper = player(page);
  const count = await stepper.evaluate((element) => element.count);
  check(count > 20, `${where}: it has ${count} steps`);
  // Sending has put the focus there.
  for (let at = 1; at < count; at += 1) {
    await page.keyboard.press('ArrowRight');
    const now = await stepper.evaluate((element) => ({
      at: element.at,
      number: element.querySelector('.number').textContent,
      current: element.querySelectorAll('[aria-current=step]').length,
      line: element.querySelectorAll('.code .now').length,
    }));
    check(now.at === at && now.number === `${at + 1} / ${count}` && now.current === 1 && now.line === 1,
      `${where}: step ${at + 1} is shown: ${JSON.stringify(now)}`);
    if (at === Math.floor(count / 2)) await shot('halfway');
  }
  const response = await stepper.locator('.wire > :last-child pre').textContent();
  check(response.includes(`Welcome, ${name}!`), `${where}: the answer is shown as text: ${response}`);
  check(await stepper.locator('img, script, iframe').count() === 0, `${where}: what was typed has made no element`);
  check(await overflow(page) <= 0, `${where}: the page fits with the player in it`);
  await shot('end');
  await page.keyboard.press('Home');
  check(await stepper.evaluate((element) => element.at) === 0, `${where}: Home leads to the first step`);
  // The next one begins at its beginning, and knows the reader.
  await page.keyboard.press('End');
  await send(page, 'GET /');
  check(await stepper.evaluate((element) => element.at) === 0, `${where}: the next request begins anew`);
  check((await known(page)).includes('Hello, Jill'), `${where}: the session is kept`);
  await send(page, 'GET /fail');
  await page.keyboard.press('End');
  await shot('fail');
  check(complaints.length === 0, `${where}: ${complaints.join('; ')}`);
  await context.close();
}

/** Every request of the app, and what it is answered with. */
async function tryChoices(browser, root) {
  const { page, context, complaints } = await open(browser, root);
  const choices = await page.locator('#live-choice option').allTextContents();
  const wanted = {
    'GET /': '200 OK', 'POST /login': '400 Bad Request', 'POST /logout': '200 OK', 'GET /item/7': '200 OK',
    'GET /item/70': '404 Not Found', 'GET /lines': '200 OK', 'GET /fail': '500 Internal Server Error', 'GET /nowhere': '404 Not Found',
  };
  check(choices.join() === Object.keys(wanted).join(), `the choices are ${choices}`);
  for (const [choice, status] of Object.entries(wanted)) {
    const answer = await send(page, choice);
    check(answer.startsWith(`answered: ${status};`), `${choice}: ${answer}`);
    check(await player(page).count() === 1, `${choice}: one player`);
  }
  // What a browser would not let through, the server does not take.
  await page.locator('#live-choice').selectOption('POST /login');
  await page.locator('#live-username').evaluate((input) => input.removeAttribute('maxlength'));
  const answer = await send(page, 'POST /login', {}).then(async () => {
    await page.locator('#live-username').evaluate((input) => { input.removeAttribute('maxlength'); input.value = 'a'.repeat(300); });
    await page.getByRole('button', { name: 'Send', exact: true }).click();
    await page.locator('carafe-live .bad').waitFor();
    return said(page);
  });
  check(answer.includes('longer than 200 characters'), `a long name: ${answer}`);
  const refused = complaints.filter((text) => !text.includes('413'));
  check(refused.length === 0, `choices: ${refused.join('; ')}`);
  await context.close();
}

/** Two readers at the same time, each with a browser of their own. */
async function tryTwo(browser, root) {
  const readers = await Promise.all(['jack', 'jill'].map(async (name) => ({ name, ...await open(browser, root) })));
  await Promise.all(readers.map(({ page, name }) => send(page, 'POST /login', { username: name })));
  for (let round = 1; round <= 5; round += 1) {
    await Promise.all(readers.map(({ page }) => send(page, 'GET /')));
    for (const [index, { page, name }] of readers.entries()) {
      const all = await known(page);
      check(all.includes(`Hello, ${name}! This is visit ${round}.`), `${name} is greeted on visit ${round}`);
      check(!all.includes(readers[1 - index].name), `${name} sees nothing of ${readers[1 - index].name}`);
    }
  }
  for (const { name, context, complaints } of readers) {
    check(complaints.length === 0, `${name}: ${complaints.join('; ')}`);
    await context.close();
  }
}

/** The rest of the book works under its security policy too. */
async function tryBook(browser, root) {
  const { page, context, complaints } = await open(browser, root);
  await page.goto(`${root}/`, { waitUntil: 'load' });
  check(await page.locator('carafe-stepper > .stage').count() > 0, 'the first page has its stepper');
  await page.keyboard.press('/');
  await page.keyboard.type('starvation');
  const results = page.locator('#mdbook-searchresults li');
  await results.first().waitFor({ timeout: 10_000 }).catch(() => {});
  const link = await results.first().locator('a').getAttribute('href');
  check(link?.startsWith('blocking.html'), `a search finds the chapter first: ${link}`);
  await page.goto(`${root}/code/examples/live_book/live.html#L20`, { waitUntil: 'load' });
  check(await page.locator('.numbers .now').count() === 1, 'a link leads to a line of a file');
  for (const path of ['/server.html', '/blocking.html', '/eras.html', '/code/index.html']) {
    await page.goto(root + path, { waitUntil: 'load' });
    check(await page.locator('main h1').count() > 0, `${path} is there`);
  }
  check(complaints.length === 0, `the book: ${complaints.join('; ')}`);
  const missing = await page.goto(`${root}/nothing.html`);
  check(missing.status() === 404, 'a page that is not there is a 404');
  await page.screenshot({ path: join(options.screenshots, '404.png') });
  await context.close();
}

/** The server goes while somebody reads, and comes back. */
async function tryGone(browser, server) {
  const { page, context } = await open(browser, server.root);
  await send(page, 'GET /');
  await server.stop();
  const answer = await send(page, 'GET /item/7');
  check(answer.includes('does not answer') && answer.includes('Start it again'), `the server is gone: ${answer}`);
  check(await page.locator('carafe-live .bad').count() === 1, 'it looks like an error');
  check(await player(page).count() === 1, 'what was there can still be read');
  await page.screenshot({ path: join(options.screenshots, 'gone.png') });
  const again = await start(new URL(server.root).host);
  const back = await send(page, 'GET /item/7');
  check(back.startsWith('answered: 200 OK'), `the server is back: ${back}`);
  await context.close();
  return again;
}

rmSync(options.screenshots, { recursive: true, force: true });
mkdirSync(options.screenshots, { recursive: true });
let server = await start('127.0.0.1:0');
const browser = await chromium.launch({
  executablePath: options.chromium,
  args: ['--headless', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run',
    '--disable-background-networking', '--disable-component-update', '--disable-sync'],
});
try {
  for (const size of SIZES) for (const theme of Object.keys(THEMES)) await tryWay(browser, server.root, size, theme);
  await tryChoices(browser, server.root);
  await tryTwo(browser, server.root);
  await tryBook(browser, server.root);
  server = await tryGone(browser, server);
} finally {
  await browser.close();
  const code = await server.stop();
  check(code === 0, `the server ends well: ${code}`);
}
check(passed > 200, `${passed} checks are too few`);
console.log(`the live book: ${passed} passed, ${failures.length} failed; screenshots in ${options.screenshots}`);
process.exit(failures.length ? 1 : 0);
