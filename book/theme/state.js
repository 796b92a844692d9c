/*
 * What is there at a moment of a recorded visit, as elements: contexts, g, session, cookie, and the store
 * that the session is in. What is new and what is gone is told from the moment before.
 */
(() => {
  'use strict';

  const { h } = globalThis.carafe;

  function none(text = 'none') {
    return h('p', { class: 'none' }, text);
  }

  /** A word with a sign that says what happened to it: not by colour alone. */
  function item(tag, text, change) {
    const sign = { new: '+ ', gone: '− ' }[change] ?? '';
    return h(tag, { class: change ?? '' }, sign, text, change ? h('span', { class: 'sr' }, ` (${change})`) : null);
  }

  /** The contexts, the current one on top. */
  function stack(was, now) {
    let same = 0;
    while (same < now.length && now[same] === was[same]) same += 1;
    const gone = was.slice(same).map((name) => item('li', name, 'gone'));
    const here = now.map((name, index) => item('li', name, index >= same ? 'new' : undefined));
    const all = [...here, ...gone].reverse();
    return all.length ? h('ol', { class: 'stack' }, all) : none('empty');
  }

  function set(was, now) {
    const all = [
      ...now.map((name) => item('li', name, was.includes(name) ? undefined : 'new')),
      ...was.filter((name) => !now.includes(name)).map((name) => item('li', name, 'gone')),
    ];
    return all.length ? h('ul', { class: 'names' }, all) : none();
  }

  function session(was, now) {
    if (!now) return [none(was ? 'closed with its context' : 'not open')];
    const text = (session) => JSON.stringify(session.data);
    const changed = was && text(was) !== text(now);
    const flags = ['null', 'new', 'accessed', 'modified'].filter((flag) => now[flag]);
    return [
      changed ? h('p', { class: 'json gone' }, '− ', text(was), h('span', { class: 'sr' }, ' (before)')) : null,
      h('p', { class: changed || !was ? 'json new' : 'json' }, changed || !was ? '+ ' : '', text(now)),
      h('ul', { class: 'names' }, flags.map((flag) => item('li', flag, was && was[flag] ? undefined : 'new'))),
    ];
  }

  /** A name and what it stands for. */
  function row(kind, raw, ...meaning) {
    const meanings = meaning.map((text) => h('span', {}, text));
    return [h('dt', {}, kind), h('dd', {}, h('span', { class: `raw ${kind}` }, raw), meanings)];
  }

  function cookieParts(cookie, isNew) {
    const how = h('p', { class: isNew ? 'how new' : 'how' }, cookie.how);
    if (!cookie.is_id) return [how, ...signed(cookie)];
    return [how, h('dl', {}, row('id', cookie.value, 'random: the session is in the store, under this key'))];
  }

  /** The parts of a cookie that has the session in it. */
  function signed(cookie) {
    const json = cookie.payload ?? 'no JSON in it';
    const how = cookie.compressed ? 'zlib, then base64: anyone can read it' : 'base64: anyone can read it';
    const right = cookie.signed_with ? `right: HMAC-${cookie.signed_with} with the app’s key` : 'WRONG';
    return [
      h('dl', {},
        row('payload', cookie.raw_payload, json, how),
        row('timestamp', cookie.raw_timestamp, cookie.date ?? 'no time in it'),
        row('signature', cookie.signature, right)),
    ];
  }

  const WAYS = { call: ['', ''], to: ['→ ', 'command: '], from: ['← ', 'answer: '] };

  /** What was said to a store in the last call, and what is known to be in it. */
  function store(was, now) {
    const isNew = (part) => JSON.stringify(part(was)) !== JSON.stringify(part(now));
    const said = now.said.map(({ way, text }, at) => h('li', { class: isNew(({ said: lines }) => lines[at]) ? `${way} new` : way },
      h('span', { 'aria-hidden': 'true' }, WAYS[way][0]), h('span', { class: 'sr' }, WAYS[way][1]), text));
    const { key, value, lifetime } = now.entry;
    const entry = (name, part, ...content) => [
      h('dt', {}, name), h('dd', {}, h('span', { class: isNew(({ entry: all }) => all[part]) ? 'new' : '' }, content)),
    ];
    return [
      [h('h4', {}, `the store: ${now.name}`),
        said.length ? h('ol', {}, said) : none('nothing is said to it in this visit yet')],
      [h('h4', {}, 'what it has'), key ? h('dl', {},
        entry('key', 'key', key),
        value ? entry(value.how, 'value', h('span', { class: 'raw' }, value.escaped),
          `${value.size} bytes of ${value.format}: `, h('span', { class: 'text' }, value.text ?? 'not to be read')) : null,
        lifetime ? entry(lifetime.how === 'kept' ? 'kept for' : 'asked for', 'lifetime', lifetime.text) : null)
        : none('nothing is known of it yet')],
    ];
  }

  Object.assign(globalThis.carafe, { none, stack, set, session, cookieParts, store });
})();
