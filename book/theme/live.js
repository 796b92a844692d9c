/*
 * Sends a request of the reader's to the server of examples/live_book, and plays what comes back:
 * <carafe-live>. Where the book comes from elsewhere, what stands in the element stays: how to start that
 * server.
 */
(() => {
  'use strict';

  const { h } = globalThis.carafe;

  /** How long a live book has to answer. */
  const WAIT = 15_000;

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

  customElements.define('carafe-live', Live);
})();
