/*
 * What the players of the book have in common: see stepper.js and eras.js, which are two.
 *
 * Keys, while the element has the focus: left and right, Home and End, space plays. `#step=12` leads to a
 * step of the first player of a page, `#http_error.step=12` to that of the player of this name.
 */
(() => {
  'use strict';

  const PAUSE = 1600;

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

  /** The text with places where a line may end. */
  function breakable(text, places) {
    return text.split(places).flatMap((part, at) => (at ? [h('wbr'), part] : [part]));
  }
  const IN_NAMES = /(?<=_)(?=\w{3})|(?=\.\w)|(?<=[a-z]{5})(?=[A-Z][a-z]{5})/;

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

  const SIGNS = {
    stage: '○', hook: 'ƒ', signal: '≋', store: '▤', command: '⇢', log: '≡', span: '▹', server: '⇄',
  };

  globalThis.carafe = { h, breakable, IN_NAMES, reveal, Player, SIGNS };
})();
