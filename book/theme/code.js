/*
 * Code in the pages, once mdBook has coloured it. It can all be read without this.
 *
 * A piece of a file stands as far to the left as it can. A page of source code has the numbers of its lines:
 * a trace names a place as `lifecycle.rs:58`, and `code/src/lifecycle.html#L58` leads there.
 */
(() => {
  'use strict';

  /** Takes away the indentation that all lines share. The text may be cut into many spans by then. */
  function dedent(code) {
    const lines = code.textContent.split('\n').filter((line) => line.trim());
    const shared = Math.min(...lines.map((line) => line.length - line.trimStart().length));
    if (!lines.length || !shared) return;
    const walker = document.createTreeWalker(code, NodeFilter.SHOW_TEXT);
    let column = 0;
    while (walker.nextNode()) {
      let kept = '';
      for (const character of walker.currentNode.data) {
        if (character === '\n') column = 0;
        else column += 1;
        if (column === 0 || column > shared || character !== ' ') kept += character;
      }
      walker.currentNode.data = kept;
    }
  }

  /** The lines, from 0, that the page does not show: the marks of what the chapters show. */
  function hidden(code) {
    const hidden = new Set();
    const walker = document.createTreeWalker(code, NodeFilter.SHOW_TEXT);
    let line = 0;
    while (walker.nextNode()) {
      if (walker.currentNode.parentElement.closest('.boring')) hidden.add(line);
      line += walker.currentNode.data.split('\n').length - 1;
    }
    return hidden;
  }

  /** Puts the numbers of its lines beside a file. */
  function number(code) {
    const without = hidden(code);
    const numbers = document.createElement('span');
    numbers.className = 'numbers hljs';
    code.textContent.replace(/\n$/, '').split('\n').forEach((_, index) => {
      if (without.has(index)) return;
      const link = document.createElement('a');
      link.id = `L${index + 1}`;
      link.href = `#${link.id}`;
      // The keyboard would have to pass hundreds of them.
      link.tabIndex = -1;
      link.textContent = index + 1;
      numbers.append(link, '\n');
    });
    numbers.setAttribute('aria-hidden', 'true');
    code.before(numbers);
  }

  function follow() {
    document.querySelector('.numbers .now')?.classList.remove('now');
    const line = /^#L\d+$/.test(location.hash) && document.querySelector(location.hash);
    if (!line) return;
    line.classList.add('now');
    line.scrollIntoView({ block: 'center' });
  }

  document.querySelectorAll('pre > code.language-rust').forEach(dedent);
  document.querySelectorAll('pre > code.language-rs').forEach(number);
  addEventListener('hashchange', follow);
  follow();
})();
