/*
 * Plays a recorded request, step by step: <carafe-stepper>, and <carafe-eras>, which shows several Flasks
 * side by side.
 *
 * Their data is the JSON in the <script> inside of them, which tests/book/stepper.rs makes of what
 * `cargo run --example lifecycle -- --format json` prints. Nothing is fetched, and there is nothing else
 * this needs. Without it the page shows the list that stands in the element too.
 *
 * <carafe-live> sends a request of the reader's to the server of examples/live_book, and plays what comes
 * back. Where the book comes from elsewhere, what stands in the element stays: how to start that server.
 *
 * Keys, while the element has the focus: left and right, Home and End, space plays. `#step=12` leads to a
 * step of the first player of a page, `#http_error.step=12` to that of the player of this name.
 */
(() => {
  'use strict';

  const PAUSE = 1600;
  /** How long a live book has to answer. */
  const WAIT = 15_000;
  /** How many signals are listed. */
  const SIGNALS = 4;

  /** Makes an element: h('p', {class: 'say', onclick: f}, 'text', child). Null children are left out. */
  function h(tag, attributes = {}, ...children) {
    const element = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes)) {
      if (name.startsWith('on')) element[name] = value;
      else if (value !== null && value !== false) element.setAttribute(name, value === true ? '' : value);
    }
    element.append(...children.flat(Infinity).filter((child) => child !== null && child !== undefined));
    return element;
  }

  /** The text as nodes, with what stands in backticks as code. */
  function prose(text) {
    const plain = text.replace(/\[(`[^`]+`)\](\([^)]*\))?/g, '$1');
    return plain.split('`').map((part, at) => (at % 2 ? h('code', {}, part) : part));
  }

  /** The text with places where a line may end. */
  function breakable(text, places) {
    return text.split(places).flatMap((part, at) => (at ? [h('wbr'), part] : [part]));
  }
  const IN_NAMES = /(?<=_)(?=\w{3})|(?=\.\w)|(?<=[a-z]{5})(?=[A-Z][a-z]{5})/;
  const IN_CODE = /(?<=::|\()(?!\))|(?=\.[a-z])/;

  /** One line of Rust as nodes: comments, strings, keywords and attributes are told apart. */
  function rust(line) {
    const token = new RegExp([
      String.raw`(?<comment>\/\/.*)`,
      String.raw`(?<string>"(?:\\.|[^"\\])*")`,
      String.raw`(?<word>\b(?:as|break|const|continue|else|fn|for|if|impl|in|let|loop|match|move|mut|pub|ref|return|`
        + String.raw`self|Self|static|struct|trait|true|false|type|use|where|while)\b)`,
    ].join('|'), 'g');
    const nodes = [];
    let last = 0;
    for (const found of line.matchAll(token)) {
      const kind = Object.keys(found.groups).find((name) => found.groups[name]);
      nodes.push(...breakable(line.slice(last, found.index), IN_CODE), h('span', { class: `t-${kind}` }, found[0]));
      last = found.index + found[0].length;
    }
    return [...nodes, ...breakable(line.slice(last), IN_CODE)];
  }

  /** Scrolls inside `pane` alone, so that `element` is seen: the page stays where it is. */
  function reveal(pane, element) {
    const [outer, inner] = [pane.getBoundingClientRect(), element.getBoundingClientRect()];
    const margin = Math.min(60, outer.height / 4);
    if (inner.top < outer.top + margin) pane.scrollTop -= outer.top + margin - inner.top;
    else if (inner.bottom > outer.bottom - margin) pane.scrollTop += inner.bottom - outer.bottom + margin;
  }

  /** What both players have: buttons, a slider, keys, the address, and a line that says the step. */
  class Player extends HTMLElement {
    /** The step that is shown, from 0. */
    at = 0;
    timer = null;

    connectedCallback() {
      if (this.stage) return;
      this.data ??= JSON.parse(this.querySelector('script').textContent);
      // That of a request just sent comes without a list.
      this.list = this.querySelector('.as-list') ?? h('div');
      this.list.hidden = true;
      this.setAttribute('tabindex', '0');
      this.setAttribute('role', 'group');
      this.setAttribute('aria-roledescription', 'stepper');
      this.append(this.stage = h('div', { class: 'stage' }));
      this.build();
      this.addEventListener('keydown', (event) => this.key(event));
      addEventListener('hashchange', () => this.follow());
      this.show(0);
      this.follow();
    }

    disconnectedCallback() {
      this.pause();
    }

    /** The line with the buttons, and below it the one that says the step. */
    controls() {
      const button = (glyph, label, onclick) =>
        h('button', { type: 'button', 'aria-label': label, title: label, onclick }, glyph);
      this.buttons = {
        first: button('⇤', 'First step (Home)', () => this.go(0)),
        back: button('←', 'One step back (left arrow)', () => this.go(this.at - 1)),
        play: button('▶', 'Play (space)', () => this.toggle()),
        next: button('→', 'Next step (right arrow)', () => this.go(this.at + 1)),
        last: button('⇥', 'Last step (End)', () => this.go(this.count - 1)),
      };
      this.slider = h('input', {
        type: 'range', min: 1, 'aria-label': 'Step',
        oninput: () => this.go(Number(this.slider.value) - 1),
      });
      this.number = h('output', { class: 'number' });
      const list = this.list.hasChildNodes() && h('button', {
        type: 'button', class: 'text', 'aria-pressed': 'false',
        onclick: () => {
          this.list.hidden = !this.list.hidden;
          list.setAttribute('aria-pressed', String(!this.list.hidden));
        },
      }, 'as a list');
      this.said = h('p', { class: 'say', role: 'status', 'aria-live': 'polite' });
      return h('div', { class: 'head' },
        h('div', { class: 'controls' }, Object.values(this.buttons), this.slider, this.number, list || null), this.said);
    }

    /** Shows a step because somebody asked for it: the address says so too. */
    go(to) {
      this.pause();
      this.move(to);
    }

    move(to) {
      const at = Math.max(0, Math.min(this.count - 1, to));
      if (at === this.at) return;
      this.show(at);
      const first = document.querySelector('carafe-stepper, carafe-eras') === this && !this.scene;
      const hash = `#${first ? '' : `${this.address()}.`}step=${at + 1}`;
      try {
        history.replaceState(history.state, '', hash);
      } catch {
        // Some browsers refuse that for a page that was opened from a file.
      }
    }

    /** Shows a step. */
    show(at) {
      this.at = at;
      const { first, back, next, last } = this.buttons;
      first.disabled = back.disabled = at === 0;
      next.disabled = last.disabled = at === this.count - 1;
      this.slider.max = this.count;
      this.slider.value = at + 1;
      this.number.textContent = `${at + 1} / ${this.count}`;
      const text = this.render(at);
      this.slider.setAttribute('aria-valuetext', `${at + 1} of ${this.count}: ${text}`);
    }

    /** Goes where the address says, if it means this element. */
    follow() {
      const found = /^#(?:([\w.-]+)\.)?step=(\d+)$/.exec(location.hash);
      if (!found) return;
      const [, name, step] = found;
      const first = document.querySelector('carafe-stepper, carafe-eras') === this;
      if (name === undefined ? !first : !this.answers(name)) return;
      this.show(Math.max(0, Math.min(this.count - 1, Number(step) - 1)));
      this.stage.scrollIntoView({ block: 'start' });
    }

    /** What the element is called in the address. */
    address() {
      return this.getAttribute('name');
    }

    answers(name) {
      return name === this.address();
    }

    key(event) {
      if (event.altKey || event.ctrlKey || event.metaKey || event.target.closest('select, .as-list')) return;
      const to = { ArrowLeft: this.at - 1, ArrowRight: this.at + 1, Home: 0, End: this.count - 1 }[event.key];
      // A button's space presses it.
      const plays = event.key === ' ' && !event.target.closest('button');
      if (to === undefined && !plays) return;
      // These are mdBook's keys for the next chapter too.
      event.preventDefault();
      event.stopPropagation();
      if (plays) this.toggle();
      else this.go(to);
    }

    toggle() {
      if (this.timer) return this.pause();
      if (this.at === this.count - 1) this.move(0);
      this.playing(true);
      this.timer = setInterval(() => {
        this.move(this.at + 1);
        if (this.at === this.count - 1) this.pause();
      }, PAUSE);
    }

    pause() {
      clearInterval(this.timer);
      this.timer = null;
      this.playing(false);
    }

    playing(yes) {
      this.buttons.play.textContent = yes ? '❚❚' : '▶';
      this.buttons.play.setAttribute('aria-label', yes ? 'Pause (space)' : 'Play (space)');
      // Who listens would hear nothing else.
      this.said.setAttribute('aria-live', yes ? 'off' : 'polite');
    }
  }

  const SIGNS = { stage: '○', hook: 'ƒ', signal: '≋', log: '≡', span: '▹', server: '⇄' };
  const KINDS = { stage: '', hook: 'hook', signal: 'signal', log: 'log', span: 'span', server: '' };

  /** What became of a step from one Flask to the next. */
  const MARKS = { same: '●', new: '+', gone: '−', moved: '↕', changed: '≠', absent: '' };

  /** One recorded visit. */
  class Stepper extends Player {
    get count() {
      return this.data.moments.length;
    }

    build() {
      const { title, visit, app, steps } = this.data;
      this.setAttribute('aria-label', `${title}: ${visit}`);
      this.rows = steps.map((step, index) => h('button', {
        type: 'button', class: `row ${step.kind}`, tabindex: -1, style: `--depth: ${step.depth}`,
        onclick: () => this.go(this.data.moments.findIndex((moment) => moment.step === index)),
      },
      h('span', { class: 'sign', 'aria-hidden': 'true' }, SIGNS[step.kind]),
      h('span', { class: 'sr' }, KINDS[step.kind] ? `${KINDS[step.kind]} ` : ''),
      h('span', { class: 'name' }, breakable(step.label, IN_NAMES)),
      h('span', { class: 'fails' })));
      this.panes = {
        tree: h('ol', { class: 'tree', 'aria-label': 'Stages' }, this.rows.map((row) => h('li', {}, row))),
        code: h('div', { class: 'code', role: 'region', 'aria-label': 'The code that runs', tabindex: 0 }),
        state: h('div', { class: 'state', role: 'region', 'aria-label': 'What is there', tabindex: 0 }),
        request: h('pre', {}, this.data.request.replaceAll('\r', '')),
        response: h('pre'),
      };
      const legend = ['stage', 'hook', 'signal'].map((kind) => h('span', {}, `${SIGNS[kind]} ${kind}`));
      legend.push(h('span', {}, '✗ error'));
      this.stage.append(
        h('p', { class: 'title' }, h('strong', {}, title), ' ', h('code', {}, visit), h('span', {}, app)),
        this.controls(),
        h('div', { class: 'panes' },
          h('div', { class: 'side' }, this.panes.tree, h('p', { class: 'legend', 'aria-hidden': 'true' }, legend)),
          this.panes.code, this.panes.state),
        h('div', { class: 'wire' },
          h('div', {}, h('h4', {}, 'request, on the wire'), this.panes.request),
          h('div', {}, h('h4', {}, 'answer, on the wire'), this.panes.response)),
      );
    }

    render(at) {
      const { moments, steps } = this.data;
      const moment = moments[at];
      this.tree(at, moment);
      this.code(moment, steps[moment.step]);
      this.state(at, moment);
      const sent = this.data.response.slice(0, moment.sent);
      const before = at ? moments[at - 1].sent : 0;
      this.panes.response.replaceChildren(...(sent.length
        ? sent.map((piece, index) => h(index >= before ? 'mark' : 'span', {}, piece.replaceAll('\r', '')))
        : [h('span', { class: 'none' }, 'nothing yet')]));
      this.panes.response.parentElement.scrollTop = before ? this.panes.response.scrollHeight : 0;
      const { say } = moment;
      this.said.replaceChildren(
        h('span', { class: 'sr' }, `Step ${at + 1} of ${this.count}. `),
        h('span', { class: moment.say.includes(' fails: ') ? 'what bad' : 'what' }, `${say}.`),
        ...moment.changes.map((change) => h('span', { class: 'change' }, ` ${change}. `)),
      );
      return say;
    }

    tree(at, moment) {
      const { moments } = this.data;
      const reached = Math.max(...moments.slice(0, at + 1).map((each) => each.step));
      const failed = new Set();
      for (const each of moments.slice(0, at + 1)) {
        if (each.phase === 'exit' && this.data.steps[each.step].error) failed.add(each.step);
      }
      this.rows.forEach((row, index) => {
        const current = index === moment.step;
        row.classList.toggle('done', index < reached && !current);
        row.classList.toggle('ahead', index > reached);
        row.classList.toggle('failed', failed.has(index));
        row.lastChild.textContent = failed.has(index) ? '✗' : '';
        row.tabIndex = current ? 0 : -1;
        if (current) row.setAttribute('aria-current', 'step');
        else row.removeAttribute('aria-current');
      });
      reveal(this.panes.tree, this.rows[moment.step]);
    }

    code(moment, step) {
      const main = this.data.sources[moment.source ?? step.source];
      const end = main.first + main.lines.length - 1;
      // Where in a function it failed is not recorded.
      const line = moment.line ?? (moment.phase === 'exit' && !step.error ? end : step.line);
      const parts = this.excerpt(main, line);
      if (step.calls !== undefined && moment.source === undefined) {
        const inner = this.data.sources[step.calls];
        parts.push(h('p', { class: 'calls' }, 'which runs'), ...this.excerpt(inner, null));
      }
      this.panes.code.replaceChildren(...parts);
      this.panes.code.scrollTop = 0;
      const marked = this.panes.code.querySelector('.now');
      if (marked) reveal(this.panes.code, marked);
    }

    /** A function, with one line marked. */
    excerpt(source, line) {
      const lines = source.lines.map((text, index) => {
        if (text === null) return null;
        const number = source.first + index;
        const now = number === line;
        const indent = text.length - text.trimStart().length;
        return h('span', { class: now ? 'line now' : 'line', style: `--indent: ${indent}` },
          h('span', { class: 'n' }, now ? `▶ ${number}` : String(number)),
          h('span', { class: 'text' }, rust(text.trimStart())), '\n');
      });
      // Files that the book has a page of are in its table of contents.
      const page = document.querySelector(`.sidebar a[href$="code/${source.file.replace(/rs$/, 'html')}"]`);
      const at = line ?? source.first;
      const place = `${source.file}:${at}`;
      return [
        h('p', { class: 'file' }, page ? h('a', { href: `${page.href}#L${at}` }, place) : place),
        source.about ? h('p', { class: 'about' }, prose(source.about)) : null,
        h('pre', {}, h('code', { class: 'nohighlight' }, lines.filter(Boolean))),
      ].filter(Boolean);
    }

    state(at, moment) {
      const { moments, states, steps } = this.data;
      const now = states[moment.state];
      const was = at ? states[moments[at - 1].state] : now;
      const cookie = moments.slice(0, at + 1).findLast((each) => each.cookie);
      const reached = Math.max(...moments.slice(0, at + 1).map((each) => each.step));
      const signals = steps.map((step, index) => ({ step, index }))
        .filter(({ step, index }) => step.kind === 'signal' && index <= reached)
        .map(({ step, index }) => h('li', { class: index === moment.step ? 'new' : '' }, step.label)).reverse();
      // The last ones are enough: all of them stand in the tree.
      const before = signals.splice(SIGNALS).length;
      if (before) signals.push(h('li', { class: 'none' }, `and ${before} before`));
      const cookiePart = cookie && this.part('session cookie', cookieParts(cookie.cookie, cookie === moment));
      this.panes.state.replaceChildren(
        h('div', { class: 'stacks' },
          this.part('app contexts', stack(was.app_contexts, now.app_contexts)),
          this.part('request contexts', stack(was.request_contexts, now.request_contexts))),
        this.part('g', set(was.g, now.g)),
        this.part('session', session(was.session, now.session)),
        this.part('signals sent', signals.length ? h('ol', { class: 'signals' }, signals) : none()),
        ...(cookie ? [cookiePart] : []),
      );
      if (cookie === moment) reveal(this.panes.state, cookiePart);
      else if (at && moments[at - 1].cookie) this.panes.state.scrollTop = 0;
    }

    part(title, ...content) {
      return h('section', {}, h('h4', {}, title), content);
    }
  }

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

  function cookieParts(cookie, isNew) {
    const json = cookie.payload ?? 'no JSON in it';
    const how = cookie.compressed ? 'zlib, then base64: anyone can read it' : 'base64: anyone can read it';
    const right = cookie.signed_with ? `right: HMAC-${cookie.signed_with} with the app’s key` : 'WRONG';
    const row = (kind, raw, ...meaning) => [
      h('dt', {}, kind), h('dd', {}, h('span', { class: `raw ${kind}` }, raw), meaning.map((text) => h('span', {}, text))),
    ];
    return [
      h('p', { class: isNew ? 'how new' : 'how' }, cookie.how),
      h('dl', {},
        row('payload', cookie.raw_payload, json, how),
        row('timestamp', cookie.raw_timestamp, cookie.date ?? 'no time in it'),
        row('signature', cookie.signature, right)),
    ];
  }

  /** The same visit to several Flasks. */
  class Eras extends Player {
    scene = 0;

    /** The steps of the chosen visit; what a cell does not say is as in the era before. */
    get rows() {
      const cell = (said) => ({ mark: said ? 'same' : 'absent', note: '', place: '', ...said });
      return this.data.scenes[this.scene].rows.map((row) => ({ ...row, cells: row.cells.map(cell) }));
    }

    get count() {
      return this.rows.length;
    }

    /** What a visit is called in the address. */
    address(scene = this.scene) {
      const name = this.getAttribute('name');
      return scene ? `${name}.${this.data.scenes[scene].name}` : name;
    }

    answers(name) {
      const scene = this.data.scenes.findIndex((_, at) => name === this.address(at));
      if (scene >= 0 && scene !== this.scene) this.choose(scene);
      return scene >= 0;
    }

    build() {
      const { scenes } = this.data;
      this.setAttribute('aria-label', 'Four Flasks side by side');
      this.select = h('select', {
        'aria-label': 'Visit',
        onchange: () => {
          this.pause();
          this.choose(this.select.selectedIndex);
          this.show(0);
        },
      }, scenes.map((scene) => h('option', {}, `${scene.title}: ${scene.request}`)));
      this.table = h('table', { class: 'eras' });
      this.scroll = h('div', { class: 'scroll' }, this.table);
      this.detail = h('dl', { class: 'detail' });
      const legend = Object.entries(MARKS).filter(([, sign]) => sign)
        .map(([mark, sign]) => h('span', {}, h('span', { class: `mark ${mark}` }, sign), ` ${mark === 'same' ? 'there' : mark}`));
      this.stage.append(h('p', { class: 'title' }, this.select), this.controls(), this.detail, this.scroll,
        h('p', { class: 'legend', 'aria-hidden': 'true' }, legend));
      this.choose(0);
    }

    choose(scene) {
      this.scene = scene;
      this.select.selectedIndex = scene;
      const head = h('tr', {}, h('th', {}, ''), this.data.eras.map((era) => h('th', { scope: 'col' }, era)));
      this.lines = this.rows.map((row, at) => h('tr', { onclick: () => this.go(at) },
        h('th', { scope: 'row', class: `row ${row.kind}`, style: `--depth: ${row.depth}` },
          h('span', { class: 'sign', 'aria-hidden': 'true' }, SIGNS[row.kind]),
          h('span', { class: 'name' }, breakable(row.name, IN_NAMES))),
        row.cells.map((cell) => h('td', { class: cell.mark },
          h('span', { class: 'mark' }, MARKS[cell.mark]),
          h('span', { class: 'place' }, cell.place.split('/').pop() ?? '')))));
      this.table.replaceChildren(h('thead', {}, head), h('tbody', {}, this.lines));
    }

    render(at) {
      const row = this.rows[at];
      this.lines.forEach((line, index) => {
        if (index === at) line.setAttribute('aria-current', 'step');
        else line.removeAttribute('aria-current');
      });
      reveal(this.scroll, this.lines[at]);
      const different = row.cells.flatMap(({ note }, era) => (note ? ` ${this.data.eras[era]}: ${note}. ` : []));
      const say = `${row.kind === 'stage' || row.kind === 'server' ? '' : `${row.kind} `}${row.name}`;
      this.said.replaceChildren(
        h('span', { class: 'sr' }, `Step ${at + 1} of ${this.count}. `), h('span', { class: 'what' }, `${say}.`),
        ...(different.length ? different : [' The same in all four.']).map((text) => h('span', { class: 'change' }, text)));
      this.detail.replaceChildren(...row.cells.flatMap((cell, era) => [
        h('dt', {}, this.data.eras[era]),
        h('dd', { class: cell.mark }, cell.note ? h('strong', {}, cell.note) : null, cell.note && cell.place ? ' ' : '',
          cell.answer ? h('pre', {}, cell.answer) : cell.place || (cell.note ? '' : 'not there')),
      ]));
      return say;
    }
  }

  /** A form that sends a request to the app of a live book, and the player of what it went through. */
  class Live extends HTMLElement {
    connectedCallback() {
      // A book in files has no server, and one on another server has no app.
      if (!this.asked && location.protocol.startsWith('http')) this.ask();
      this.asked = true;
    }

    async ask() {
      try {
        const page = await fetch(location.href, { method: 'HEAD' });
        this.root = page.headers.get('live-book');
        if (!this.root) return;
        this.choices = await (await fetch(`${this.root}choices`)).json();
      } catch {
        return;
      }
      this.build();
    }

    build() {
      this.select = h('select', { id: 'live-choice', onchange: () => this.choose() }, this.choices.map(
        ({ method, path }) => h('option', {}, `${method} ${path}`)));
      this.about = h('p', { class: 'about' });
      this.fields = h('div', { class: 'fields' });
      this.button = h('button', { type: 'submit' }, 'Send');
      this.said = h('p', { class: 'said', role: 'status' });
      this.form = h('form', { onsubmit: (event) => { event.preventDefault(); this.send(); } },
        h('label', { for: 'live-choice' }, 'Request'), this.select, this.about, this.fields, this.button, this.said);
      this.player = h('div');
      this.replaceChildren(this.form, this.player);
      this.choose();
    }

    get choice() {
      return this.choices[this.select.selectedIndex];
    }

    /** Shows the fields that the chosen request's form has. */
    choose() {
      this.fields.replaceChildren(...this.choice.fields.flatMap((name) => [
        h('label', { for: `live-${name}` }, name),
        h('input', { id: `live-${name}`, name, maxlength: this.choice.most, autocomplete: 'off', spellcheck: 'false' }),
      ]));
      this.about.textContent = this.choice.about;
      this.say('');
    }

    say(text, bad = false) {
      this.said.textContent = text;
      this.said.classList.toggle('bad', bad);
    }

    async send() {
      const form = Object.fromEntries([...this.fields.querySelectorAll('input')].map(({ name, value }) => [name, value]));
      this.button.disabled = true;
      this.say('sent, and waiting for the answer');
      try {
        const answer = await fetch(`${this.root}send`, {
          method: 'POST',
          headers: { 'Content-Type': 'application/json' },
          body: JSON.stringify({ choice: this.select.selectedIndex, form }),
          signal: AbortSignal.timeout(WAIT),
        });
        const data = await answer.json();
        if (answer.ok) this.play(data);
        else this.say(`The server says no: ${data.error}.`, true);
      } catch {
        this.say('The server does not answer. Has it been stopped? Start it again, then send once more.', true);
      }
      this.button.disabled = false;
    }

    play(data) {
      // Where the last one was stopped is no place in this one.
      history.replaceState(history.state, '', location.pathname);
      const player = h('carafe-stepper', { name: 'live' });
      player.data = data;
      this.player.replaceChildren(player);
      this.say(`answered: ${data.response[0].split('\r\n')[0].replace('HTTP/1.1 ', '')}; ${player.count} steps`);
      player.focus({ preventScroll: true });
      player.scrollIntoView({ block: 'nearest' });
    }
  }

  customElements.define('carafe-stepper', Stepper);
  customElements.define('carafe-eras', Eras);
  customElements.define('carafe-live', Live);
})();
