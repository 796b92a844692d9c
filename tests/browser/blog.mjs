// Uses the blog as its readers and writers do: wide and narrow, by day and by night. See ./blog.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { parseArgs } from 'node:util';

const { values: options } = parseArgs({
  options: Object.fromEntries(['blog', 'modules', 'chromium', 'screenshots'].map((name) => [name, { type: 'string' }])),
});
const require = createRequire(`${resolve(options.modules)}/`);
const { chromium } = require('playwright-core');
const axe = readFileSync(require.resolve('axe-core/axe.min.js'), 'utf8');

const SIZES = { wide: { width: 1280, height: 900 }, narrow: { width: 390, height: 844 } };
const THEMES = ['light', 'dark'];
const PASSWORD = 'correct horse';

let passed = 0;
const failures = [];

function check(right, what) {
  if (right) passed += 1;
  else {
    failures.push(what);
    console.error(`FAILED  ${what}`);
  }
}

const same = (got, wanted, what) => check(got === wanted, `${what}: ${JSON.stringify(got)} is not ${JSON.stringify(wanted)}`);

/** A blog of its own, empty, on a port of its own. */
async function startBlog(folder) {
  const args = ['--bind', '127.0.0.1:0', '--database', join(folder, 'blog.sqlite')];
  const server = spawn(options.blog, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  const lines = createInterface({ input: server.stdout });
  const deadline = AbortSignal.timeout(60_000);
  for await (const [line] of (async function* read() {
    while (true) yield await once(lines, 'line', { signal: deadline });
  })()) {
    const found = /^listening on (http:\/\/\S+)$/.exec(line);
    if (found) return { server, root: found[1] };
  }
  throw new Error('the blog does not say where it listens');
}

/** One visitor, with cookies of their own, whose every page is looked at. */
class Visitor {
  constructor(browser, root, way, size, theme) {
    Object.assign(this, { browser, root, way, size, theme, complaints: [] });
  }

  async open() {
    this.context = await this.browser.newContext({ viewport: this.size, colorScheme: this.theme, baseURL: this.root });
    this.page = await this.context.newPage();
    this.page.on('console', (message) => {
      // Chromium complains of pages that say 4xx, as those with an error in a form do.
      const expected = /the server responded with a status of (403|404|422)/.test(message.text());
      if (['error', 'warning'].includes(message.type()) && !expected) this.complaints.push(message.text());
    });
    this.page.on('pageerror', (error) => this.complaints.push(String(error)));
    this.page.on('requestfailed', (request) => {
      // What the page before still waited for is given up when the next is opened.
      const { errorText } = request.failure();
      if (errorText !== 'net::ERR_ABORTED') this.complaints.push(`${request.url()}: ${errorText}`);
    });
    return this;
  }

  /** Looks at the page: can everybody read it, and does it fit? */
  async look(name) {
    const { page, way } = this;
    const where = `${name} ${way}`;
    await page.evaluate(axe);
    const found = await page.evaluate(async () => {
      const { violations } = await globalThis.axe.run(document, {
        runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'],
      });
      return violations.map(({ id, nodes }) => `${id}: ${nodes.map((node) => node.html).join(' ').slice(0, 200)}`);
    });
    check(found.length === 0, `${where}: ${found.join('; ')}`);
    const over = await page.evaluate(() => {
      const width = document.documentElement.clientWidth;
      const boxes = [...document.querySelectorAll('body *:not(.unseen, .skip)')].map((element) => element.getBoundingClientRect());
      return Math.max(document.documentElement.scrollWidth, ...boxes.map(({ right }) => Math.floor(right))) - width;
    });
    check(over <= 0, `${where}: ${over} px too wide`);
    check(this.complaints.length === 0, `${where}: ${this.complaints.splice(0).join('; ')}`);
    await page.screenshot({ path: join(options.screenshots, `${name}-${way}.png`), fullPage: true });
  }

  path() {
    const { pathname, search } = new URL(this.page.url());
    return pathname + search;
  }

  async flashed(text, what) {
    same((await this.page.locator('.flash').allTextContents()).join('|'), text, `${what} ${this.way}: flashed`);
  }

  /** Does what leads to another page, and waits for it. */
  async going(action) {
    await Promise.all([this.page.waitForEvent('load'), action()]);
  }

  async press(name) {
    await this.going(() => this.page.getByRole('button', { name }).click());
  }

  async follow(name) {
    await this.going(() => this.page.getByRole('link', { name }).first().click());
  }

  /** Sends the form that the cursor is in. */
  async enter() {
    await this.going(() => this.page.keyboard.press('Enter'));
  }

  async type(fields) {
    for (const [label, text] of Object.entries(fields)) await this.page.getByLabel(label, { exact: true }).fill(text);
  }

  /** Presses a button of a form that the browser does not send, and says which field it complains about. */
  async pressInVain(name) {
    await this.page.getByRole('button', { name }).click();
    return this.page.locator(':focus:invalid').getAttribute('id');
  }

  /** Has the browser send what it would not, for the server to refuse. */
  async pressUnchecked(name) {
    await this.page.locator('form').evaluateAll((forms) => forms.forEach((form) => { form.noValidate = true; }));
    await this.press(name);
  }

  async login(username) {
    await this.page.goto('/auth/login');
    await this.type({ Username: username, Password: PASSWORD });
    await this.press('Log in');
  }
}

async function register(visitor, username) {
  const { page, way } = visitor;
  await page.goto('/auth/register');
  await visitor.type({ Username: username, Password: 'short' });
  same(await visitor.pressInVain('Register'), 'password', `register ${way}: the browser holds back a short password`);
  await visitor.pressUnchecked('Register');
  await visitor.look('register-error');
  const password = page.getByLabel('Password');
  check(await password.evaluate((field) => field === document.activeElement), `register ${way}: the wrong field has the focus`);
  same(await password.getAttribute('aria-invalid'), 'true', `register ${way}: it says so`);
  const described = await password.evaluate((field) => field.getAttribute('aria-describedby').split(' ')
    .map((id) => document.getElementById(id).textContent).join(' '));
  same(described, 'At least 8 characters. Error: Make it at least 8 characters long.', `register ${way}: and why`);
  same(await page.getByLabel('Username').inputValue(), username, `register ${way}: the name is still there`);
  await visitor.type({ Password: PASSWORD });
  await visitor.press('Register');
  same(visitor.path(), '/auth/login', `register ${way}`);
  await visitor.flashed(`Welcome, ${username}. Log in, and start writing.`, 'register');
  await visitor.look('login');
}

/** From a link to a page that wants a login, over a typing mistake, back to that page. */
async function login(visitor, username) {
  const { page, way } = visitor;
  await page.goto('/create');
  same(visitor.path(), '/auth/login?next=/create', `login ${way}: asked for`);
  await visitor.type({ Username: username, Password: 'correct house' });
  await visitor.enter();
  await visitor.flashed('Wrong username or password.', 'login');
  same(await page.getByRole('alert').count(), 1, `login ${way}: an error is an alert`);
  same(await page.getByLabel('Username').inputValue(), username, `login ${way}: the name is still there`);
  await visitor.look('login-error');
  await visitor.type({ Password: PASSWORD });
  await visitor.enter();
  same(visitor.path(), '/create', `login ${way}: and back`);
  await visitor.flashed(`Hello again, ${username}.`, 'login');
}

async function write(visitor) {
  const { page, way } = visitor;
  await page.goto('/create');
  await visitor.look('create');
  await visitor.type({ Title: ' ', Text: 'A text.' });
  await visitor.press('Publish');
  await visitor.look('create-error');
  same(await page.getByLabel('Text').inputValue(), 'A text.', `write ${way}: the text is still there`);
  await visitor.type({
    Title: 'What a carafe is for',
    Text: 'To pour from, and to see through.\n\nA flask keeps things in; a carafe stands on the table, and everybody can '
      + 'watch what goes on in it. <b>Nothing</b> is hidden & nothing is stirred up.',
  });
  await visitor.press('Publish');
  same(visitor.path(), '/1', `write ${way}`);
  await visitor.flashed('Your post is published.', 'write');
  same(await page.locator('.text p').count(), 2, `write ${way}: two paragraphs`);
  check((await page.locator('.text').textContent()).includes('<b>Nothing</b> is hidden & nothing'), `write ${way}: text is text`);
  await visitor.look('show');
  await page.reload();
  await visitor.flashed('', 'write, seen again');
}

async function edit(visitor) {
  const { page, way } = visitor;
  await page.goto('/1');
  await visitor.follow('Edit');
  same(await page.getByLabel('Title').inputValue(), 'What a carafe is for', `edit ${way}: the title is there`);
  await visitor.type({ Title: '' });
  same(await visitor.pressInVain('Save changes'), 'title', `edit ${way}: the browser holds back an empty title`);
  await visitor.pressUnchecked('Save changes');
  await visitor.look('update-error');
  await visitor.type({ Title: 'What a carafe is good for' });
  await visitor.press('Save changes');
  same(visitor.path(), '/1', `edit ${way}`);
  await visitor.flashed('Your changes are saved.', 'edit');
  same(await page.getByRole('heading', { level: 1 }).textContent(), 'What a carafe is good for', `edit ${way}: changed`);
}

/** Posts as they come: many, long, with long words, from right to left. */
async function fill(visitor) {
  const { page, way } = visitor;
  const posts = [
    ['On waiting', 'Sediment sinks by itself. The hard part is not to touch the thing while it does.'],
    ['Donaudampfschifffahrtselektrizitätenhauptbetriebswerkbauunterbeamtengesellschaft', `https://blog.example/${'long/'.repeat(30)}`],
    ['ملاحظة قصيرة', 'هذا نص قصير يُقرأ من اليمين إلى اليسار.'],
    ['Three questions before a release', Array.from({ length: 9 }, (_, at) => `Paragraph ${at + 1}. `
      + 'Who reads it first, what do they look for, and what do they see in its place?').join('\n\n')],
    ['A list', 'bread\ncheese\nolives\nand something to pour'],
    ['Left over', 'A glass that nobody wanted.'],
    ['On corks', 'They float. That is most of what can be said for them.'],
    ['Rain', 'All day, and well into the evening.\n\nThe cellar stayed dry.'],
    ['A short one', 'Cheers.'],
  ];
  for (const [title, body] of posts) {
    const response = await page.request.post('/create', { form: { title, body } });
    check(response.ok(), `fill ${way}: ${title}: ${response.status()}`);
  }
  await page.goto('/');
  same(await page.locator('article').count(), 8, `index ${way}: the first page is full`);
  await visitor.look('index');
  await visitor.follow('Older posts');
  same(visitor.path(), '/?page=2', `index ${way}: there is a second`);
  same(await page.locator('article').count(), 2, `index ${way}: with the rest`);
  await visitor.look('index-2');
  await visitor.follow('Newer posts');
  await visitor.going(() => page.getByRole('link', { name: 'Three questions before a release', exact: true }).click());
  same(await page.locator('.text p').count(), 9, `show ${way}: all of a long post`);
  await visitor.look('show-long');
}

async function byKeyboard(visitor) {
  const { page, way } = visitor;
  await page.goto('/');
  await page.keyboard.press('Tab');
  const skip = page.getByRole('link', { name: 'Skip to the content' });
  check(await skip.evaluate((link) => link === document.activeElement && link.getBoundingClientRect().top >= 0), `keyboard ${way}: skip`);
  await page.screenshot({ path: join(options.screenshots, `skip-${way}.png`) });
  await page.keyboard.press('Enter');
  await page.keyboard.press('Tab');
  same(await page.evaluate(() => document.activeElement.textContent), 'A short one', `keyboard ${way}: the content is next`);
}

/** What somebody else sees, and may not do. */
async function somebodyElse(visitor) {
  const { page, way } = visitor;
  await register(visitor, 'mallory');
  await visitor.login('mallory');
  same(await page.getByRole('link', { name: /^Edit/ }).count(), 0, `somebody else ${way}: no link to edit`);
  same((await page.goto('/1/update')).status(), 403, `somebody else ${way}: refused`);
  await visitor.look('forbidden');
  same((await page.goto('/nowhere')).status(), 404, `somebody else ${way}: not there`);
  await visitor.look('not-found');
}

/** A page on another port has the same cookies sent along, SameSite or not: the form itself is refused. */
async function otherSite(visitor) {
  const { page, root, way } = visitor;
  const evil = createServer((request, response) => {
    response.setHeader('Content-Type', 'text/html');
    response.end(`<!doctype html><form method="post" action="${root}/1/delete"><button>Win a carafe</button></form>`);
  });
  await new Promise((ready) => { evil.listen(0, '127.0.0.1', ready); });
  const port = evil.address().port;
  for (const host of ['127.0.0.1', 'localhost']) {
    // A browser may ask for localhost by another address; here it is the same one.
    await page.goto(`http://${host}:${port}/`).catch(() => page.goto(`http://127.0.0.1:${port}/`));
    await visitor.press('Win a carafe');
    const heading = await page.getByRole('heading', { level: 1 }).textContent();
    same(heading, 'Forbidden', `other site ${host} ${way}`);
  }
  evil.close();
  same((await page.goto('/1')).status(), 200, `other site ${way}: the post is still there`);
  visitor.complaints.length = 0;
}

async function remove(visitor) {
  const { page, way } = visitor;
  await page.goto('/1/update');
  const button = page.getByRole('button', { name: 'Yes, delete it' });
  check(!(await button.isVisible()), `delete ${way}: not by one click`);
  await page.getByText('Delete this post').click();
  await visitor.look('delete');
  await visitor.going(() => button.click());
  same(visitor.path(), '/', `delete ${way}`);
  await visitor.flashed('“What a carafe is good for” is deleted.', 'delete');
  same((await page.goto('/1')).status(), 404, `delete ${way}: gone`);
}

async function tryBlog(browser, sizeName, theme) {
  const folder = mkdtempSync(join(tmpdir(), 'carafe-blog-'));
  const { server, root } = await startBlog(folder);
  try {
    const visitor = async () => new Visitor(browser, root, `${sizeName}-${theme}`, SIZES[sizeName], theme).open();
    const jack = await visitor();
    await jack.page.goto('/');
    await jack.look('index-empty');
    const paper = await jack.page.evaluate(() => getComputedStyle(document.body).backgroundColor);
    check((paper === 'rgb(250, 246, 240)') === (theme === 'light'), `${jack.way}: the paper is ${paper}`);
    await register(jack, 'jack');
    await login(jack, 'jack');
    await write(jack);
    await edit(jack);
    await fill(jack);
    await byKeyboard(jack);
    await somebodyElse(await visitor());
    await otherSite(jack);
    await remove(jack);
    await jack.press('Log out');
    await jack.flashed('You are logged out.', 'logout');
    await jack.look('logged-out');
  } finally {
    const exited = once(server, 'exit');
    server.kill('SIGTERM');
    const [code, signal] = await exited;
    check(code === 0, `${sizeName} ${theme}: told to stop, the blog ended with ${code ?? signal}`);
    rmSync(folder, { recursive: true, force: true });
  }
}

// A browser that hangs shall not hang who waits for this.
const MINUTES = 10;
setTimeout(() => {
  console.error(`FAILED  after ${MINUTES} minutes it was not done`);
  process.exit(1);
}, MINUTES * 60_000).unref();

rmSync(options.screenshots, { recursive: true, force: true });
mkdirSync(options.screenshots, { recursive: true });
const browser = await chromium.launch({
  executablePath: options.chromium,
  args: ['--headless', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run',
    '--disable-background-networking', '--disable-component-update', '--disable-sync'],
});
let tried = 0;
try {
  for (const size of Object.keys(SIZES)) {
    for (const theme of THEMES) {
      await tryBlog(browser, size, theme);
      tried += 1;
    }
  }
} finally {
  await browser.close();
}
same(tried, 4, 'ways');
check(passed > 250, `${passed} checks are too few`);
console.log(`the blog, ${tried} times; screenshots in ${options.screenshots}`);
console.log(`${passed} passed, ${failures.length} failed`);
process.exit(failures.length ? 1 : 0);
