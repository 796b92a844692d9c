/*
 * Shows one visit to several Flasks, side by side: <carafe-eras>. tests/book/stepper/eras.rs makes its data.
 */
(() => {
  'use strict';

  const { h, breakable, IN_NAMES, reveal, Player, SIGNS } = globalThis.carafe;

  /** What became of a step from one Flask to the next. */
  const MARKS = { same: '●', new: '+', gone: '−', moved: '↕', changed: '≠', absent: '' };

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

  customElements.define('carafe-eras', Eras);
})();
