// The large area that shows the picture: nothing yet, the one that was chosen, what it looks like
// on its way, and in the end before and after. Owns the addresses of all that it shows.

import {Comparison} from './comparison.js';

/** The size of the picture behind an address, or null where the browser cannot show it. */
async function sizeOf(url) {
  const image = new Image();
  image.src = url;
  try {
    await image.decode();
  } catch {
    return null;
  }
  return {width: image.naturalWidth, height: image.naturalHeight};
}

/** Shows one thing at a time in `root`, an element of the form that index.html gives it. */
export class Stage {
  #root;
  #parts;
  #chosen;
  #preview;
  #card;
  #urls = new Map();  // What an address is for -> the address.
  #readable = false;  // Whether the browser can show the picture that was chosen.

  constructor(root) {
    this.#root = root;
    this.#parts = root.querySelectorAll('[data-part]');
    this.#chosen = root.querySelector('.chosen-picture');
    this.#preview = root.querySelector('.preview-picture');
    this.#card = root.querySelector('.card');
    this.comparison = new Comparison(root.querySelector('.comparison'));
  }

  /** Shows a File. Its size in pixels, or null where the browser cannot show it. */
  async showChosen(file) {
    this.#forget('after', 'preview');
    this.comparison.clear();
    const url = this.#address('before', file);
    const size = await sizeOf(url);
    if (this.#urls.get('before') !== url) return size;  // Another was chosen meanwhile.
    this.#readable = size !== null;
    this.#chosen.hidden = size === null;
    this.#card.hidden = size !== null;
    this.#card.querySelector('.card-name').textContent = file.name;
    if (size !== null) this.#chosen.src = url;
    this.#show('chosen');
    return size;
  }

  /** The picture that was chosen is being worked on. */
  showRunning() {
    this.#show('chosen');
  }

  /** Nobody works on it any more: shows the last result again, if there is one. */
  showStopped() {
    this.#forget('preview');
    this.#show(this.#urls.has('after') ? 'comparison' : 'chosen');
  }

  /** Lays a Blob, small and of the same shape, over the picture that was chosen. */
  showPreview(blob) {
    const earlier = this.#urls.get('preview');
    this.#urls.set('preview', URL.createObjectURL(blob));
    this.#preview.src = this.#urls.get('preview');
    this.#preview.hidden = false;
    if (earlier) URL.revokeObjectURL(earlier);
  }

  /** Shows before and after, or after alone where the browser cannot show the other. */
  showResult(blob) {
    this.#forget('preview');
    const after = this.#address('after', blob);
    this.comparison.show({before: this.#readable ? this.#urls.get('before') : null, after});
    this.#show('comparison');
    return after;
  }

  #show(name) {
    if (!this.#urls.has('preview')) {
      this.#preview.hidden = true;
      this.#preview.removeAttribute('src');
    }
    for (const part of this.#parts) part.hidden = part.dataset.part !== name;
  }

  #address(purpose, blob) {
    this.#forget(purpose);
    const url = URL.createObjectURL(blob);
    this.#urls.set(purpose, url);
    return url;
  }

  #forget(...purposes) {
    for (const purpose of purposes) {
      if (!this.#urls.has(purpose)) continue;
      URL.revokeObjectURL(this.#urls.get(purpose));
      this.#urls.delete(purpose);
    }
  }
}
