// The buttons that copy an upscale as a command, and the text that they have copied.

import {KEY_VARIABLE, curlCommand, pythonProgram} from './commands.js';

// The clipboard is closed to pages that come by plain HTTP from other machines; what is selected
// can be copied all the same.
async function copy(text, shownIn) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    getSelection().selectAllChildren(shownIn);
    return document.execCommand('copy');
  }
}

/** Works in `root`. `order` gives what the commands shall do, as curlCommand takes it. */
export class CopyPanel {
  #root;
  #order;
  #announce;

  constructor(root, {order, announce}) {
    this.#root = root;
    this.#order = order;
    this.#announce = announce;
    this.#button('curl').addEventListener('click', () => this.#copy('curl', curlCommand));
    this.#button('python').addEventListener('click', () => this.#copy('python', pythonProgram));
  }

  /** Forgets what was copied, which is no longer what would be. */
  clear() {
    this.#root.querySelector('.copied').hidden = true;
  }

  #button(name) {
    return this.#root.querySelector(`[data-copy=${name}]`);
  }

  async #copy(name, write) {
    const order = this.#order();
    const text = write(order);
    const copied = this.#root.querySelector('.copied');
    const code = copied.querySelector('pre');
    code.textContent = text;
    copied.hidden = false;
    const done = await copy(text, code);
    const what = done ? 'Copied.' : 'Press Ctrl+C to copy.';
    const files = `It reads ${order.input} where it runs and writes ${order.output}.`;
    const key = order.wantsKey ? ` It takes the API key from ${KEY_VARIABLE}.` : '';
    copied.querySelector('p').textContent = `${what} ${files}${key}`;
    this.#announce(what);
  }
}
