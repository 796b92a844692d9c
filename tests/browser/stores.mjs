// Tries the steppers that play two visits on a session store. check.mjs opens the pages.

/** The first words of what each store is told: to keep the session, to find it, and to keep it for longer. */
export const COMMANDS = {
  store_memory: ['set for 2678400 s', 'get', 'touch for 2678400 s'],
  store_files: ['write beside, rename', 'read', 'write the header'],
  store_redis: ['SET EX 2678400', 'GET', 'EXPIRE 2678400'],
  store_memcached: ['set, expires 1702678400', 'gets', 'touch, expires 1702678460'],
  store_mongodb: ['update {id} {$set: {id, val, expiration}} upsert', 'find {id,', 'update {id, expiration: {$not: {$lt}}}'],
  store_sqlite: ['INSERT INTO "sessions"', 'SELECT session_id, data', 'UPDATE "sessions" SET expiry'],
  store_postgres: ['WITH it AS (UPDATE "sessions"', 'SELECT session_id, data', 'UPDATE "sessions" SET expiry'],
  store_mysql: ['INSERT INTO `sessions`', 'SELECT session_id, data', 'UPDATE `sessions` SET expiry'],
};

/** Two visits on a store: each command and the value are shown at the steps at which they come and go. */
export async function tryStore(check, stepper, where, name) {
  const [keep, find, touch] = COMMANDS[name];
  const visits = await stepper.locator('.title button').all();
  check(visits.length === 2, `${where}: there are two visits`);
  const see = () => stepper.evaluate((element) => ({
    row: element.querySelector('[aria-current=step]').textContent,
    call: element.querySelector('.storage .call')?.textContent,
    last: element.querySelector('.storage ol')?.lastChild.textContent,
    news: [...element.querySelectorAll('.storage .new')].map((each) => each.textContent).join(' '),
    has: element.querySelector('.storage > :last-child').textContent,
    contexts: element.querySelectorAll('.stack li:not(.gone)').length,
    cookie: element.querySelector('.state .raw.id')?.textContent,
    payload: element.querySelectorAll('.state .raw.payload').length,
    said: element.querySelector('.say').textContent,
  }));
  /** Presses the row of a step, and the key for the next one where that is wanted. */
  const to = async (row, visit, more = 0) => {
    const found = await stepper.evaluate((element, [text, number, isCommand]) => {
      const { visits: all, steps } = element.data;
      const at = steps.findIndex(({ label, kind }, index) => label.includes(text) && index > all[number].step
        && isCommand === (kind === 'command'));
      element.rows[at]?.click();
      return at;
    }, [row, visit, COMMANDS[name].includes(row)]);
    for (let step = 0; step < more; step += 1) await stepper.press('ArrowRight');
    check(found > 0, `${where}: ${row} is a step of visit ${visit + 1}`);
    return see();
  };
  const holds = ({ has }) => has.includes('{"_permanent":true,"username":"jack"}') && has.includes('\\x82\\xaa_permanent')
    && has.includes('session:the-fi…') && has.includes('2678400 seconds');
  let now = await to('view login', 0);
  check(now.has.includes('nothing is known'), `${where}: before the first visit saves, the store has nothing: ${JSON.stringify(now)}`);
  now = await to('Store.set', 0);
  check(now.said.includes('it sends 27 bytes of msgpack: {"_permanent":true,"username":"jack"}') && holds(now) && now.has.includes('sent'),
    `${where}: the session is sent: ${JSON.stringify(now)}`);
  now = await to(keep, 0);
  check(now.row.includes(keep) && now.last.includes(`→ command: ${keep}`) && now.news.includes(keep) && now.call === 'Store.set',
    `${where}: the command that keeps it: ${JSON.stringify(now)}`);
  now = await to(keep, 0, 1);
  check(now.last.includes('done') && holds(now) && now.has.includes('kept') && now.news.includes('username'), `${where}: it is kept: ${JSON.stringify(now)}`);
  now = await to(keep, 0, 2);
  check(now.said.startsWith('Step') && now.said.includes('save_session returns') && now.cookie?.startsWith('the-first-id') && !now.payload,
    `${where}: the cookie is an id: ${JSON.stringify(now)}`);
  await visits[1].click();
  now = await see();
  check(now.contexts === 0 && holds(now), `${where}: between the visits there is no context, and the store has the session: ${JSON.stringify(now)}`);
  now = await to(find, 1);
  check(now.last.includes(find) && now.news.includes(find) && now.call === 'Store.get', `${where}: the command that finds it: ${JSON.stringify(now)}`);
  now = await to(find, 1, 1);
  check(now.said.includes('it finds 27 bytes') && now.last.includes('27 bytes') && holds(now) && now.news.includes('username'),
    `${where}: it is found: ${JSON.stringify(now)}`);
  now = await to(touch, 1, 1);
  check(now.call === 'Store.touch' && now.last.includes('done') && holds(now), `${where}: it is kept for longer: ${JSON.stringify(now)}`);
}
