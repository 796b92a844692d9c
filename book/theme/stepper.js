/*
 * Plays recorded requests, step by step: <carafe-stepper>.
 *
 * Its data is the JSON in the <script> inside of it, which tests/book/stepper.rs makes of what
 * `cargo run --example lifecycle -- --format json` prints. Nothing is fetched. Without JavaScript the page
 * shows the list that stands in the element too. player.js has the buttons and the keys, and state.js
 * shows what is there at a moment.
 */
(() => {
  'use strict';

  const { h, breakable, IN_NAMES, reveal, Player, SIGNS, none, stack, set, session, cookieParts, store } = globalThis.carafe;

  /** How many signals are listed. */
  const SIGNALS = 4;

  /** The text as nodes, with what stands in backticks as code. */
  function prose(text) {
    const plain = text.replace(/\[(`[^`]+`)\](\([^)]*\))?/g, '$1');
    return plain.split('`').map((part, at) => (at % 2 ? h('code', {}, part) : part));
  }

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

  /** What a listener hears before a row's name. */
  const KINDS = { hook: 'hook ', signal: 'signal ', store: 'store ', command: 'command ', log: 'log ', span: 'span ' };

  /** Recorded visits of one browser, one after the other. */
  class Stepper extends Player {
    get count() {
      return this.data.moments.length;
    }

    build() {
      const { title, visits, app, steps, moments } = this.data;
      this.setAttribute('aria-label', `${title}: ${visits.map(({ request }) => request).join(', then ')}`);
      this.rows = steps.map((step, index) => h('button', {
        type: 'button', class: `row ${step.kind}`, tabindex: -1, style: `--depth: ${step.depth}`,
        onclick: () => this.go(this.data.moments.findIndex((moment) => moment.step === index)),
      },
      h('span', { class: 'sign', 'aria-hidden': 'true' }, SIGNS[step.kind]),
      h('span', { class: 'sr' }, KINDS[step.kind] ?? ''),
      h('span', { class: 'name' }, breakable(step.label, IN_NAMES)),
      h('span', { class: 'fails' })));
      this.panes = {
        tree: h('ol', { class: 'tree', 'aria-label': 'Stages' }, this.rows.map((row) => h('li', {}, row))),
        code: h('div', { class: 'code', role: 'region', 'aria-label': 'The code that runs', tabindex: 0 }),
        state: h('div', { class: 'state', role: 'region', 'aria-label': 'What is there', tabindex: 0 }),
        store: moments[0].store && ['What is said to the store', 'What the store has'].map((label) =>
          h('section', { role: 'region', 'aria-label': label, tabindex: 0 })),
        request: h('pre'),
        response: h('pre'),
      };
      // With one visit there is nothing to choose.
      this.choices = visits.length > 1 ? visits.map(({ request, step }, index) => h('button', {
        type: 'button', onclick: () => this.go(moments.findIndex((moment) => moment.step === step)),
      }, `${index + 1}. ${request}`)) : [];
      const kinds = ['stage', 'hook', 'signal', ...(this.panes.store ? ['store', 'command'] : [])];
      const legend = kinds.map((kind) => h('span', {}, `${SIGNS[kind]} ${kind}`));
      legend.push(h('span', {}, '✗ error'));
      this.stage.append(
        h('p', { class: 'title' }, h('strong', {}, title), ' ',
          this.choices.length ? this.choices : h('code', {}, visits[0].request), h('span', {}, app)),
        this.controls(),
        h('div', { class: 'panes' },
          h('div', { class: 'side' }, this.panes.tree, h('p', { class: 'legend', 'aria-hidden': 'true' }, legend)),
          this.panes.code, this.panes.state),
        ...(this.panes.store ? [h('div', { class: 'storage' }, this.panes.store)] : []),
        h('div', { class: 'wire' },
          [['request', this.panes.request], ['answer', this.panes.response]].map(([what, pane]) =>
            h('div', { role: 'region', 'aria-label': `The ${what}`, tabindex: 0 }, h('h4', {}, `${what}, on the wire`), pane))),
      );
    }

    render(at) {
      const { moments, steps } = this.data;
      const moment = moments[at];
      this.tree(at, moment);
      this.code(moment, steps[moment.step]);
      this.state(at, moment);
      this.wire(at, moment);
      if (this.panes.store) this.store(at, moment);
      const { say } = moment;
      this.said.replaceChildren(
        h('span', { class: 'sr' }, `Step ${at + 1} of ${this.count}. `),
        h('span', { class: say.includes(' fails: ') ? 'what bad' : 'what' }, say.endsWith('…') ? say : `${say}.`),
        ...moment.changes.map((change) => h('span', { class: 'change' }, ` ${change}. `)),
      );
      return say;
    }

    /** The number of a moment's visit. */
    visit(moment) {
      return moment.visit ?? 0;
    }

    wire(at, moment) {
      const { moments, visits, response } = this.data;
      const visit = this.visit(moment);
      this.choices.forEach((choice, index) => choice.setAttribute('aria-pressed', String(index === visit)));
      this.panes.request.textContent = visits[visit].wire.replaceAll('\r', '');
      const sent = response.slice(visits[visit].piece, moment.sent);
      const before = (at ? moments[at - 1].sent : 0) - visits[visit].piece;
      this.panes.response.replaceChildren(...(sent.length
        ? sent.map((piece, index) => h(index >= before ? 'mark' : 'span', {}, piece.replaceAll('\r', '')))
        : [h('span', { class: 'none' }, 'nothing yet')]));
      this.panes.response.parentElement.scrollTop = before > 0 ? this.panes.response.scrollHeight : 0;
    }

    store(at, moment) {
      const known = this.data.moments.slice(0, at + 1).filter((each) => each.store).map((each) => each.store);
      const now = known.at(-1);
      const shown = store(moment.store ? known.at(-2) ?? now : now, now);
      this.panes.store.forEach((pane, index) => {
        pane.replaceChildren(...shown[index]);
        pane.scrollTop = 0;
        const marked = pane.querySelector('.new');
        if (marked) reveal(pane, marked);
      });
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
      const { moments, states, steps, visits } = this.data;
      const now = states[moment.state];
      const was = at ? states[moments[at - 1].state] : now;
      const visit = this.visit(moment);
      const cookie = moments.slice(0, at + 1).findLast((each) => each.cookie && this.visit(each) === visit);
      const reached = Math.max(...moments.slice(0, at + 1).map((each) => each.step));
      const signals = steps.map((step, index) => ({ step, index }))
        .filter(({ step, index }) => step.kind === 'signal' && index <= reached && index >= visits[visit].step)
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

  customElements.define('carafe-stepper', Stepper);
})();
